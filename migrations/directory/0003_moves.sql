CREATE TABLE `move_items` (
	`move` text NOT NULL,
	`kind` text NOT NULL,
	`id` text NOT NULL,
	`part` integer NOT NULL,
	`digest` text NOT NULL,
	`topic` text NOT NULL,
	`standing` text NOT NULL,
	`outcome` text DEFAULT '' NOT NULL,
	`data` blob,
	PRIMARY KEY(`move`, `kind`, `id`, `part`)
);
--> statement-breakpoint
CREATE TABLE `moves` (
	`id` text PRIMARY KEY NOT NULL,
	`source` text NOT NULL,
	`name` text NOT NULL,
	`digest` text NOT NULL,
	`state` text NOT NULL,
	`created_at` integer NOT NULL,
	`activated_at` integer DEFAULT 0 NOT NULL,
	`ended_at` integer DEFAULT 0 NOT NULL,
	`odd` text NOT NULL
);
--> statement-breakpoint
ALTER TABLE `certificates` ADD `moved` integer DEFAULT false NOT NULL;