CREATE TABLE `declaration_catalog` (
	`id` integer PRIMARY KEY NOT NULL,
	`revision` integer NOT NULL
);
--> statement-breakpoint
CREATE TABLE `declaration_changes` (
	`revision` integer NOT NULL,
	`set_name` text NOT NULL,
	`device` text NOT NULL,
	`notify` integer NOT NULL,
	`forced` integer NOT NULL,
	`at` integer NOT NULL,
	PRIMARY KEY(`revision`, `set_name`, `device`, `forced`)
) WITHOUT ROWID;
--> statement-breakpoint
CREATE TABLE `declaration_channels` (
	`enrollment` text PRIMARY KEY NOT NULL,
	`version` integer NOT NULL,
	`revision` integer NOT NULL,
	`synced` integer NOT NULL,
	`reported_at` integer NOT NULL,
	`updates` text DEFAULT '' NOT NULL
) WITHOUT ROWID;
--> statement-breakpoint
CREATE TABLE `declaration_file_parts` (
	`sha256` text NOT NULL,
	`part` integer NOT NULL,
	`data` text NOT NULL,
	PRIMARY KEY(`sha256`, `part`)
);
--> statement-breakpoint
CREATE TABLE `declaration_files` (
	`name` text NOT NULL,
	`sha256` text NOT NULL,
	`content_type` text NOT NULL,
	`size` integer NOT NULL,
	`changed_at` integer NOT NULL,
	`replaced_at` integer DEFAULT 0 NOT NULL,
	PRIMARY KEY(`name`, `sha256`)
) WITHOUT ROWID;
--> statement-breakpoint
CREATE INDEX `declaration_files_sha256` ON `declaration_files` (`sha256`);--> statement-breakpoint
CREATE TABLE `declaration_sets` (
	`set_name` text NOT NULL,
	`identifier` text NOT NULL,
	PRIMARY KEY(`set_name`, `identifier`)
) WITHOUT ROWID;
--> statement-breakpoint
CREATE INDEX `declaration_sets_identifier` ON `declaration_sets` (`identifier`);--> statement-breakpoint
CREATE TABLE `declaration_states` (
	`identifier` text NOT NULL,
	`enrollment` text NOT NULL,
	`state` text NOT NULL,
	`code` text NOT NULL,
	`content` text NOT NULL,
	`since` integer NOT NULL,
	PRIMARY KEY(`identifier`, `enrollment`)
) WITHOUT ROWID;
--> statement-breakpoint
CREATE INDEX `declaration_states_enrollment` ON `declaration_states` (`enrollment`);--> statement-breakpoint
CREATE INDEX `declaration_states_failed` ON `declaration_states` (`code`,`identifier`) WHERE state = 'failed';--> statement-breakpoint
CREATE TABLE `declaration_versions` (
	`identifier` text NOT NULL,
	`version` integer NOT NULL,
	`type` text NOT NULL,
	`payload` text NOT NULL,
	`served` text DEFAULT '' NOT NULL,
	`content` text NOT NULL,
	`created_at` integer NOT NULL,
	`replaced_at` integer DEFAULT 0 NOT NULL,
	PRIMARY KEY(`identifier`, `version`)
);
--> statement-breakpoint
CREATE TABLE `declarations` (
	`identifier` text PRIMARY KEY NOT NULL,
	`type` text NOT NULL,
	`version` integer NOT NULL,
	`touches` integer NOT NULL,
	`item` text NOT NULL,
	`rollout` text DEFAULT '' NOT NULL,
	`changed_at` integer NOT NULL
);
--> statement-breakpoint
CREATE TABLE `enrollment_sets` (
	`device` text NOT NULL,
	`user` text NOT NULL,
	`set_name` text NOT NULL,
	PRIMARY KEY(`device`, `user`, `set_name`)
) WITHOUT ROWID;
--> statement-breakpoint
CREATE INDEX `enrollment_sets_set` ON `enrollment_sets` (`set_name`,`device`);--> statement-breakpoint
CREATE TABLE `set_rules` (
	`set_name` text PRIMARY KEY NOT NULL,
	`rule` text NOT NULL,
	`description` text NOT NULL,
	`owner` text DEFAULT '' NOT NULL
);
--> statement-breakpoint
CREATE TABLE `os_versions` (
	`id` integer PRIMARY KEY NOT NULL,
	`url` text NOT NULL,
	`releases` text NOT NULL,
	`fetched_at` integer NOT NULL,
	`tried_at` integer NOT NULL,
	`error` text NOT NULL
);
--> statement-breakpoint
CREATE TABLE `software_updates` (
	`name` text PRIMARY KEY NOT NULL,
	`policy` text NOT NULL,
	`targets` text NOT NULL,
	`changed_at` integer NOT NULL
) WITHOUT ROWID;
