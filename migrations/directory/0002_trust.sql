DROP INDEX `devices_serial`;--> statement-breakpoint
ALTER TABLE `devices` ADD `contested` integer DEFAULT false NOT NULL;--> statement-breakpoint
ALTER TABLE `devices` ADD `serial_proven` integer DEFAULT false NOT NULL;--> statement-breakpoint
ALTER TABLE `devices` ADD `serial_standing` integer GENERATED ALWAYS AS (CASE WHEN serial_number <> '' AND NOT hidden AND state NOT IN ('unknown', 'checked_out') THEN 1 + serial_proven ELSE 0 END) VIRTUAL NOT NULL;--> statement-breakpoint
CREATE INDEX `devices_serial` ON `devices` (`serial_number`,`serial_standing`);--> statement-breakpoint
ALTER TABLE `devices` DROP COLUMN `displaced`;--> statement-breakpoint
CREATE TABLE `moments` (
	`name` text PRIMARY KEY NOT NULL,
	`at` integer NOT NULL
) WITHOUT ROWID;
--> statement-breakpoint
CREATE TABLE `__new_certificates` (
	`fingerprint` text PRIMARY KEY NOT NULL,
	`request` text,
	`authority` text NOT NULL,
	`serial` text NOT NULL,
	`subject` text NOT NULL,
	`issued_at` integer NOT NULL,
	`not_after` integer NOT NULL,
	`der` blob NOT NULL,
	`challenge` text,
	`profile` integer DEFAULT 0 NOT NULL,
	`bound_udid` text DEFAULT '' NOT NULL,
	`bound_serial` text DEFAULT '' NOT NULL,
	`counted` integer DEFAULT false NOT NULL,
	`kept_until` integer DEFAULT 0 NOT NULL
);
--> statement-breakpoint
INSERT INTO `__new_certificates` (`fingerprint`, `request`, `authority`, `serial`, `subject`, `issued_at`, `not_after`, `der`, `challenge`, `profile`)
	SELECT `fingerprint`, `request`, `authority`, `serial`, `subject`, `issued_at`, `not_after`, `der`,
		(SELECT `hash` FROM `challenges` WHERE `challenges`.`certificate` = `certificates`.`fingerprint` AND `open_until` = 0 LIMIT 1),
		EXISTS (SELECT 1 FROM `challenges` WHERE `challenges`.`certificate` = `certificates`.`fingerprint` AND `challenges`.`profile` <> '')
	FROM `certificates`;--> statement-breakpoint
DROP TABLE `certificates`;--> statement-breakpoint
ALTER TABLE `__new_certificates` RENAME TO `certificates`;--> statement-breakpoint
CREATE UNIQUE INDEX `certificates_request` ON `certificates` (`request`);--> statement-breakpoint
CREATE UNIQUE INDEX `certificates_serial` ON `certificates` (`authority`,`serial`);--> statement-breakpoint
DELETE FROM `challenges` WHERE `open_until` = 0;--> statement-breakpoint
UPDATE `challenges` SET `profile` = '1' WHERE `profile` <> '';--> statement-breakpoint
DROP INDEX `challenges_certificate`;--> statement-breakpoint
ALTER TABLE `challenges` ADD `bound_udid` text DEFAULT '' NOT NULL;--> statement-breakpoint
ALTER TABLE `challenges` ADD `bound_serial` text DEFAULT '' NOT NULL;--> statement-breakpoint
CREATE INDEX `challenges_open` ON `challenges` (`open_until`);--> statement-breakpoint
CREATE UNIQUE INDEX `certificates_challenge` ON `certificates` (`challenge`);--> statement-breakpoint
CREATE INDEX `certificates_counted` ON `certificates` (`issued_at`) WHERE counted = 1;--> statement-breakpoint
CREATE INDEX `certificates_kept` ON `certificates` (`kept_until`) WHERE kept_until > 0;--> statement-breakpoint
CREATE TABLE `invitations` (
	`id` text PRIMARY KEY NOT NULL,
	`serial` text NOT NULL,
	`note` text NOT NULL,
	`created_at` integer NOT NULL,
	`expires_at` integer NOT NULL,
	`max_uses` integer NOT NULL,
	`used` integer DEFAULT 0 NOT NULL,
	`revoked_at` integer DEFAULT 0 NOT NULL
) WITHOUT ROWID;
--> statement-breakpoint
CREATE TABLE `known_serials` (
	`serial` text PRIMARY KEY NOT NULL,
	`added_at` integer NOT NULL
) WITHOUT ROWID;
--> statement-breakpoint
ALTER TABLE `challenges` ADD `invitation` text DEFAULT '' NOT NULL;--> statement-breakpoint
CREATE INDEX `challenges_invitation` ON `challenges` (`invitation`) WHERE invitation <> '';
