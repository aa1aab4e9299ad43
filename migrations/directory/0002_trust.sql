DROP INDEX `devices_serial`;--> statement-breakpoint
ALTER TABLE `devices` ADD `contested` integer DEFAULT false NOT NULL;--> statement-breakpoint
ALTER TABLE `devices` ADD `serial_proven` integer DEFAULT false NOT NULL;--> statement-breakpoint
ALTER TABLE `devices` ADD `serial_standing` integer GENERATED ALWAYS AS (CASE WHEN serial_number <> '' AND NOT hidden AND state NOT IN ('unknown', 'checked_out') THEN 1 + serial_proven ELSE 0 END) VIRTUAL NOT NULL;--> statement-breakpoint
CREATE INDEX `devices_serial` ON `devices` (`serial_number`,`serial_standing`);--> statement-breakpoint
ALTER TABLE `devices` DROP COLUMN `displaced`;
