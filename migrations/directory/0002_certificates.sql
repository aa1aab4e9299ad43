CREATE TABLE `authorities` (
	`key_id` text PRIMARY KEY NOT NULL,
	`certificate` blob NOT NULL,
	`sealed_key` blob NOT NULL,
	`imported` integer NOT NULL,
	`next_serial` integer,
	`added_at` integer NOT NULL
) WITHOUT ROWID;
--> statement-breakpoint
CREATE TABLE `certificates` (
	`fingerprint` text PRIMARY KEY NOT NULL,
	`request` text,
	`authority` text NOT NULL,
	`serial` text NOT NULL,
	`subject` text NOT NULL,
	`issued_at` integer NOT NULL,
	`not_after` integer NOT NULL,
	`der` blob NOT NULL
) WITHOUT ROWID;
--> statement-breakpoint
CREATE UNIQUE INDEX `certificates_request` ON `certificates` (`request`);--> statement-breakpoint
CREATE UNIQUE INDEX `certificates_serial` ON `certificates` (`authority`,`serial`);--> statement-breakpoint
CREATE TABLE `challenges` (
	`hash` text PRIMARY KEY NOT NULL,
	`open_until` integer NOT NULL,
	`certificate` text NOT NULL
) WITHOUT ROWID;
--> statement-breakpoint
CREATE INDEX `challenges_certificate` ON `challenges` (`certificate`);