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
	`certificate` text NOT NULL,
	`profile` text DEFAULT '' NOT NULL
) WITHOUT ROWID;
--> statement-breakpoint
CREATE INDEX `challenges_certificate` ON `challenges` (`certificate`);--> statement-breakpoint
CREATE TABLE `devices` (
	`id` text PRIMARY KEY NOT NULL,
	`type` text NOT NULL,
	`serial_number` text NOT NULL,
	`enrolled` integer NOT NULL,
	`state` text DEFAULT '' NOT NULL,
	`push` text DEFAULT '' NOT NULL,
	`hidden` integer NOT NULL,
	`displaced` integer NOT NULL,
	`claimed_at` integer NOT NULL,
	`last_seen` integer NOT NULL,
	`device_name` text NOT NULL,
	`model` text NOT NULL,
	`model_name` text NOT NULL,
	`product_name` text NOT NULL,
	`os_version` text NOT NULL,
	`build_version` text NOT NULL,
	`version` integer NOT NULL,
	`identity` text DEFAULT '' NOT NULL,
	`identity_not_after` integer DEFAULT 0 NOT NULL,
	`renewal` text DEFAULT '' NOT NULL,
	`renewal_reason` text DEFAULT '' NOT NULL,
	`renewal_at` integer DEFAULT 0 NOT NULL
) WITHOUT ROWID;
--> statement-breakpoint
CREATE INDEX `devices_serial` ON `devices` (`serial_number`);--> statement-breakpoint
CREATE TABLE `identities` (
	`fingerprint` text PRIMARY KEY NOT NULL,
	`enrollment` text NOT NULL
) WITHOUT ROWID;
--> statement-breakpoint
CREATE TABLE `jobs` (
	`id` text PRIMARY KEY NOT NULL,
	`created_at` integer NOT NULL
) WITHOUT ROWID;
--> statement-breakpoint
CREATE TABLE `profiles` (
	`identifier` text PRIMARY KEY NOT NULL,
	`mobileconfig` text NOT NULL
);
--> statement-breakpoint
CREATE TABLE `webhooks` (
	`id` text PRIMARY KEY NOT NULL,
	`enabled` integer NOT NULL,
	`settings` text NOT NULL,
	`sealed` blob NOT NULL,
	`created_at` integer NOT NULL,
	`updated_at` integer NOT NULL
) WITHOUT ROWID;
