-- Two steps: the first one works, and is undone if the second does not.
CREATE TABLE before_it (a BIGINT);
CREATE TABLE in_the_way (a BIGINT);
