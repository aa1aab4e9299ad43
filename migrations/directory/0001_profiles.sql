CREATE TABLE `profiles` (
	`identifier` text PRIMARY KEY NOT NULL,
	`mobileconfig` text NOT NULL
);
