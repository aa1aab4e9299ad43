ALTER TABLE `devices` ADD `enrolled_at` integer DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE `devices` ADD `enrollment` text DEFAULT '' NOT NULL;--> statement-breakpoint
ALTER TABLE `devices` ADD `supervised` integer;--> statement-breakpoint
ALTER TABLE `devices` ADD `blocked` integer DEFAULT false NOT NULL;--> statement-breakpoint
ALTER TABLE `devices` ADD `user_names` text DEFAULT '' NOT NULL;