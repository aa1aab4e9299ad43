CREATE TABLE `dep_accounts` (
	`id` text PRIMARY KEY NOT NULL,
	`server_uuid` text DEFAULT '' NOT NULL,
	`server_name` text DEFAULT '' NOT NULL,
	`organization` text DEFAULT '' NOT NULL,
	`added_at` integer NOT NULL,
	`token_at` integer NOT NULL,
	`rules` text DEFAULT '[]' NOT NULL
) WITHOUT ROWID;
--> statement-breakpoint
CREATE TABLE `dep_devices` (
	`serial` text NOT NULL,
	`account` text NOT NULL,
	`live` integer NOT NULL,
	`profile_uuid` text DEFAULT '' NOT NULL,
	`profile_status` text DEFAULT '' NOT NULL,
	`record` text NOT NULL,
	`op_date` text DEFAULT '' NOT NULL,
	`added_at` integer NOT NULL,
	`changed_at` integer NOT NULL,
	`wanted` text DEFAULT '' NOT NULL,
	`outcome` text DEFAULT '' NOT NULL,
	`tries` integer DEFAULT 0 NOT NULL,
	`due_at` integer DEFAULT 0 NOT NULL,
	PRIMARY KEY(`serial`, `account`)
) WITHOUT ROWID;
--> statement-breakpoint
CREATE INDEX `dep_devices_due` ON `dep_devices` (`account`,`due_at`) WHERE due_at > 0;--> statement-breakpoint
CREATE TABLE `dep_keys` (
	`serial` text PRIMARY KEY NOT NULL,
	`account` text DEFAULT '' NOT NULL,
	`certificate` blob NOT NULL,
	`sealed_key` blob NOT NULL,
	`created_at` integer NOT NULL
);
--> statement-breakpoint
CREATE TABLE `dep_profiles` (
	`uuid` text PRIMARY KEY NOT NULL,
	`account` text NOT NULL,
	`name` text NOT NULL,
	`profile` text NOT NULL,
	`defined_at` integer NOT NULL,
	`replaced_at` integer DEFAULT 0 NOT NULL
);
--> statement-breakpoint
CREATE INDEX `dep_profiles_name` ON `dep_profiles` (`account`,`name`);--> statement-breakpoint
CREATE TABLE `blueprints` (
	`uuid` text PRIMARY KEY NOT NULL,
	`name` text NOT NULL,
	`blueprint` text NOT NULL,
	`version` integer NOT NULL,
	`changed_at` integer NOT NULL
);
--> statement-breakpoint
CREATE UNIQUE INDEX `blueprints_name` ON `blueprints` (`name`);--> statement-breakpoint
CREATE TABLE `setup_users` (
	`uuid` text PRIMARY KEY NOT NULL,
	`short_name` text NOT NULL,
	`long_name` text NOT NULL,
	`hidden` integer NOT NULL,
	`generates` integer DEFAULT false NOT NULL,
	`sealed` blob NOT NULL,
	`changed_at` integer NOT NULL
);
--> statement-breakpoint
ALTER TABLE `move_items` ADD `remark` text DEFAULT '' NOT NULL;
