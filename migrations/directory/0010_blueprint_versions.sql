CREATE TABLE `blueprint_versions` (
	`uuid` text PRIMARY KEY NOT NULL,
	`version` integer NOT NULL
);
