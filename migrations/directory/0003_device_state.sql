ALTER TABLE `devices` ADD `state` text DEFAULT '' NOT NULL;--> statement-breakpoint
ALTER TABLE `devices` ADD `push` text DEFAULT '' NOT NULL;