-- schema.sql - the catalog, version 1; imgcatalog(5) describes it.
--
-- Columns that hold a DICOM attribute bear its keyword; columns of ours are
-- lower case.  An absent attribute is NULL, a key is never NULL.  sum is
-- img_sum() over all other columns of the row in their order here.
-- Truth is the object file: all of this can be made again from the objects.
-- No statement here or in upgrade-*.sql ever changes, not by a blank: a catalog
-- in which one is another is refused (schema.c).

CREATE TABLE meta (
	key TEXT PRIMARY KEY NOT NULL,
	value TEXT NOT NULL,
	sum INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- lone is the StudyInstanceUID where there is no PatientID (else the UID of
-- the series, else of the instance): two unknown patients are never made one.
CREATE TABLE patient (
	id INTEGER PRIMARY KEY,
	lone TEXT NOT NULL,
	name_key TEXT,
	PatientName TEXT,
	PatientID TEXT NOT NULL,
	IssuerOfPatientID TEXT NOT NULL,
	PatientBirthDate TEXT,
	PatientSex TEXT,
	sum INTEGER NOT NULL,
	UNIQUE (PatientID, IssuerOfPatientID, lone)
) STRICT;

CREATE TABLE study (
	id INTEGER PRIMARY KEY,
	patient INTEGER NOT NULL REFERENCES patient (id),
	StudyDate TEXT,
	StudyTime TEXT,
	AccessionNumber TEXT,
	ReferringPhysicianName TEXT,
	StudyDescription TEXT,
	StudyInstanceUID TEXT NOT NULL,
	StudyID TEXT,
	sum INTEGER NOT NULL,
	UNIQUE (StudyInstanceUID, patient)
) STRICT;
CREATE INDEX study_patient ON study (patient);
CREATE INDEX study_date ON study (StudyDate);
CREATE INDEX study_accession ON study (AccessionNumber);

CREATE TABLE series (
	id INTEGER PRIMARY KEY,
	study INTEGER NOT NULL REFERENCES study (id),
	SeriesDate TEXT,
	SeriesTime TEXT,
	Modality TEXT,
	Manufacturer TEXT,
	InstitutionName TEXT,
	StationName TEXT,
	SeriesDescription TEXT,
	ManufacturerModelName TEXT,
	BodyPartExamined TEXT,
	ProtocolName TEXT,
	SeriesInstanceUID TEXT NOT NULL,
	SeriesNumber TEXT,
	FrameOfReferenceUID TEXT,
	Laterality TEXT,
	sum INTEGER NOT NULL,
	UNIQUE (SeriesInstanceUID, study)
) STRICT;
CREATE INDEX series_study ON series (study);

-- current is the number of the object that stands for the instance.
CREATE TABLE instance (
	id INTEGER PRIMARY KEY,
	series INTEGER NOT NULL REFERENCES series (id),
	current INTEGER NOT NULL,
	TransferSyntaxUID TEXT,
	ImageType TEXT,
	SOPClassUID TEXT,
	SOPInstanceUID TEXT NOT NULL UNIQUE,
	ContentDate TEXT,
	AcquisitionDateTime TEXT,
	InstanceNumber TEXT,
	NumberOfFrames TEXT,
	"Rows" TEXT,
	"Columns" TEXT,
	sum INTEGER NOT NULL
) STRICT;
CREATE INDEX instance_series ON instance (series);

-- No index by digest: digests are random, and the store's folder is one.
-- An object with n > 0 came with the UID of another one: a conflict.
CREATE TABLE object (
	instance INTEGER NOT NULL REFERENCES instance (id),
	n INTEGER NOT NULL,
	digest BLOB NOT NULL,
	bytes INTEGER NOT NULL,
	place TEXT,
	added TEXT NOT NULL,
	checked TEXT,
	verdict TEXT,
	sum INTEGER NOT NULL,
	PRIMARY KEY (instance, n)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX object_conflict ON object (instance, digest) WHERE n > 0;

-- What became of inputs, so that a second run need not read them again.
CREATE TABLE container (
	id INTEGER PRIMARY KEY,
	path TEXT NOT NULL UNIQUE,
	sum INTEGER NOT NULL
) STRICT;

CREATE TABLE input (
	container INTEGER NOT NULL REFERENCES container (id),
	name TEXT NOT NULL,
	seq INTEGER NOT NULL,
	size INTEGER NOT NULL,
	inode INTEGER NOT NULL,
	device INTEGER NOT NULL,
	mtime_ns INTEGER NOT NULL,
	status TEXT NOT NULL,
	code TEXT,
	message TEXT,
	instance INTEGER,
	object INTEGER,
	sum INTEGER NOT NULL,
	PRIMARY KEY (container, name)
) STRICT, WITHOUT ROWID;
