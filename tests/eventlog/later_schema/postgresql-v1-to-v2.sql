-- A column more, with a word that has a semicolon in it.
ALTER TABLE rpt_source ADD COLUMN logged_more TEXT DEFAULT 'semi;colon';
