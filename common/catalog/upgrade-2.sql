-- upgrade-2.sql - from version 1 to 2: what was sent where.
--
-- The ledger is the one part of the catalog that the objects do not hold: a
-- rebuild takes it over from the catalog before.

CREATE TABLE peer (
	id INTEGER PRIMARY KEY,
	name TEXT NOT NULL UNIQUE,
	sum INTEGER NOT NULL
) STRICT;

-- One row for each object that a peer was offered: the newest answer.
CREATE TABLE sent (
	peer INTEGER NOT NULL REFERENCES peer (id),
	SOPInstanceUID TEXT NOT NULL,
	digest BLOB NOT NULL,
	status TEXT NOT NULL,
	response INTEGER,
	proof TEXT,
	at TEXT NOT NULL,
	sum INTEGER NOT NULL,
	PRIMARY KEY (peer, SOPInstanceUID, digest)
) STRICT, WITHOUT ROWID;
