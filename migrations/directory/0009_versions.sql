CREATE TABLE `set_versions` (
	`set_name` text PRIMARY KEY NOT NULL,
	`version` integer NOT NULL
);
--> statement-breakpoint
ALTER TABLE `dep_profiles` ADD `version` integer DEFAULT 1 NOT NULL;