-- upgrade-3.sql - from version 2 to 3: what is in an object, whatever its
-- encoding.  (From version 3 on, pages of the file have sums: sums.c.)
--
-- data is the digest of the canonical data set, pixels that of the decoded
-- samples of all frames; NULL where there are none or they cannot be decoded.

CREATE TABLE identity (
	instance INTEGER NOT NULL REFERENCES instance (id),
	n INTEGER NOT NULL,
	data BLOB NOT NULL,
	pixels BLOB,
	sum INTEGER NOT NULL,
	PRIMARY KEY (instance, n)
) STRICT, WITHOUT ROWID;
