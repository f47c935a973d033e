-- upgrade-4.sql - from version 3 to 4: which objects have gone unread for
-- longest is known without looking at all of them.
--
-- The key of the table stands behind the column in each entry, so that the
-- index gives an order without ties.

CREATE INDEX object_checked ON object (checked);
