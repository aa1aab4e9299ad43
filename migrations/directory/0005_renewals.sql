ALTER TABLE `challenges` ADD `profile` text DEFAULT '' NOT NULL;--> statement-breakpoint
ALTER TABLE `devices` ADD `identity` text DEFAULT '' NOT NULL;--> statement-breakpoint
ALTER TABLE `devices` ADD `identity_not_after` integer DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE `devices` ADD `renewal` text DEFAULT '' NOT NULL;--> statement-breakpoint
ALTER TABLE `devices` ADD `renewal_reason` text DEFAULT '' NOT NULL;--> statement-breakpoint
ALTER TABLE `devices` ADD `renewal_at` integer DEFAULT 0 NOT NULL;