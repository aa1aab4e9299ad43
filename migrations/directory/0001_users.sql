CREATE TABLE `users` (
	`id` text NOT NULL,
	`device` text NOT NULL,
	`version` integer NOT NULL,
	`used` integer DEFAULT false NOT NULL,
	PRIMARY KEY(`id`, `device`)
) WITHOUT ROWID;
--> statement-breakpoint
CREATE INDEX `users_device` ON `users` (`device`);