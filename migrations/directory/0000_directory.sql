CREATE TABLE `devices` (
	`id` text PRIMARY KEY NOT NULL,
	`type` text NOT NULL,
	`serial_number` text NOT NULL,
	`enrolled` integer NOT NULL,
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
	`version` integer NOT NULL
) WITHOUT ROWID;
--> statement-breakpoint
CREATE INDEX `devices_serial` ON `devices` (`serial_number`);--> statement-breakpoint
CREATE TABLE `identities` (
	`fingerprint` text PRIMARY KEY NOT NULL,
	`enrollment` text NOT NULL
) WITHOUT ROWID;
