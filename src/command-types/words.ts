/** What each command does, in a sentence of our own: Apple's schema has no prose that we may repeat. */
import { GROUPS, type CommandGroup } from './groups.ts'

interface CommandWords {
  readonly group: CommandGroup
  readonly description: string
  /** What the device or its user loses. Each destructive command has it, and each that removes something. */
  readonly loses?: string
}

type Row = readonly [requestType: string, description: string, loses?: string]

const TEXTS: Readonly<Record<CommandGroup, readonly Row[]>> = {
  Information: [
    ['DeviceInformation', 'Asks for name, model, OS, storage, network and more.'],
    ['SecurityInfo', 'Asks for encryption, passcode, firewall and the state of the enrolment.'],
    ['CertificateList', 'Lists the certificates on the device.'],
    ['Restrictions', 'Asks which restrictions apply.'],
    ['UserList', 'Lists the users of a Mac or a Shared iPad.'],
    ['ActiveNSExtensions', 'Lists the active extensions of a user on a Mac.'],
    ['NSExtensionMappings', 'Lists the installed extensions and their points on a Mac.'],
    ['ContentCachingInformation', 'Asks for figures of the content cache on a Mac.'],
    ['TriggerEnhancedLogCollection', 'Starts a log collection for AppleCare.'],
    ['CancelEnhancedLogCollection', 'Stops a log collection for AppleCare.'],
  ],
  'Lock and erase': [
    [
      'DeviceLock',
      'Locks the device at once. A Mac restarts and asks for the PIN.',
      'The device, until it is unlocked: a Mac by the PIN, others by their passcode.',
    ],
    [
      'EraseDevice',
      'Erases the device and everything on it.',
      'All data, apps, accounts and the enrolment. They cannot be brought back.',
    ],
    [
      'ClearPasscode',
      'Removes the passcode of an iPhone, iPad, Apple Watch or Vision Pro.',
      'The passcode: the device opens for everybody until a new one is set. Cards of Apple Pay are removed.',
    ],
    ['RestartDevice', 'Restarts the device.'],
    [
      'ShutDownDevice',
      'Shuts the device down.',
      'The device cannot be reached until somebody switches it on. Unsaved work may be lost.',
    ],
    ['RequestUnlockToken', 'Asks for the token that removes the passcode.'],
    ['ActivationLockBypassCode', 'Asks for the code that removes the Activation Lock.'],
    [
      'ClearActivationLockBypassCode',
      'Removes the code that opens the Activation Lock.',
      'The bypass code: it can no longer open the Activation Lock of this device.',
    ],
  ],
  'Lost Mode': [
    ['EnableLostMode', 'Locks a supervised iPhone or iPad, and shows a message on it.'],
    ['DisableLostMode', 'Ends Lost Mode: the device can be used again.'],
    ['DeviceLocation', 'Asks where a device in Lost Mode is.'],
    ['PlayLostModeSound', 'Plays a sound on a device in Lost Mode.'],
  ],
  Profiles: [
    ['InstallProfile', 'Installs a configuration profile.'],
    [
      'RemoveProfile',
      'Removes a configuration profile.',
      'What it sets, such as Wi-Fi, accounts and certificates; with the enrolment profile, the management.',
    ],
    ['ProfileList', 'Lists the configuration profiles.'],
    ['InstallProvisioningProfile', 'Installs a provisioning profile for apps of your own.'],
    [
      'RemoveProvisioningProfile',
      'Removes a provisioning profile.',
      'Apps of your own that need the profile no longer open.',
    ],
    ['ProvisioningProfileList', 'Lists the provisioning profiles.'],
    [
      'DeclarativeManagement',
      'Starts declarative management, or lets the device look for changes.',
    ],
  ],
  'Apps and media': [
    ['InstallApplication', 'Installs an app from the App Store or from a manifest.'],
    ['InstallEnterpriseApplication', 'Installs a package on a Mac.'],
    [
      'RemoveApplication',
      'Removes a managed app and its data.',
      'The app, and its data on the device.',
    ],
    ['InstalledApplicationList', 'Lists the installed apps.'],
    ['ManagedApplicationList', 'Lists the managed apps and their state.'],
    ['ManagedApplicationConfiguration', 'Shows the configuration of managed apps.'],
    ['ManagedApplicationAttributes', 'Shows the attributes of managed apps.'],
    ['ManagedApplicationFeedback', 'Shows what managed apps report.'],
    ['ValidateApplications', 'Lets the device check the developers of enterprise apps.'],
    ['ApplyRedemptionCode', 'Redeems the code of a paid app.'],
    ['InstallMedia', 'Installs a book.'],
    ['RemoveMedia', 'Removes a book.', 'The book, until it is installed again.'],
    ['ManagedMediaList', 'Lists the managed books.'],
    ['InviteToProgram', 'Invites a user to Apps and Books.'],
  ],
  'Accounts and passwords': [
    ['AccountConfiguration', 'Sets the accounts that Setup Assistant makes on a Mac.'],
    [
      'SetAutoAdminPassword',
      'Sets the password of the managed administrator of a Mac.',
      'The present password of that account.',
    ],
    ['UnlockUserAccount', 'Unlocks an account of a Mac after too many wrong passwords.'],
    ['LogOutUser', 'Logs the user of a Shared iPad out.'],
    [
      'DeleteUser',
      'Deletes a user of a Mac or a Shared iPad.',
      'The account and its data. They cannot be brought back.',
    ],
    [
      'SetFirmwarePassword',
      'Sets or removes the firmware password of an Intel Mac.',
      'The present firmware password. Without the new one the Mac starts from no other disk.',
    ],
    ['VerifyFirmwarePassword', 'Checks the firmware password of an Intel Mac.'],
    [
      'SetRecoveryLock',
      'Sets or removes the password of recoveryOS on a Mac with Apple silicon.',
      'The present password of recoveryOS. Without the new one recoveryOS does not open.',
    ],
    ['VerifyRecoveryLock', 'Checks the password of recoveryOS on a Mac with Apple silicon.'],
    [
      'RotateFileVaultKey',
      'Replaces the recovery key of FileVault.',
      'The present recovery key: it no longer opens the disk.',
    ],
    [
      'ClearRestrictionsPassword',
      'Removes the Screen Time passcode of a supervised iPhone or iPad.',
      'The Screen Time passcode and its restrictions.',
    ],
  ],
  'Operating system': [
    ['AvailableOSUpdates', 'Lists the available updates.'],
    ['ScheduleOSUpdateScan', 'Lets a Mac look for updates.'],
    ['ScheduleOSUpdate', 'Schedules an update.'],
    ['OSUpdateStatus', 'Asks how far an update is.'],
    ['DeviceConfigured', 'Releases a device that waits in Setup Assistant.'],
    ['UserConfigured', 'Releases a user of a Shared iPad who waits in Setup Assistant.'],
  ],
  Settings: [
    ['Settings', 'Sets the name, wallpaper, time zone, roaming and other settings.'],
    ['EnableRemoteDesktop', 'Turns Remote Desktop on.'],
    ['DisableRemoteDesktop', 'Turns Remote Desktop off.'],
  ],
  'Network and sharing': [
    ['RefreshCellularPlans', 'Lets the device ask a carrier’s server for its eSIM.'],
    ['RequestMirroring', 'Asks the user to mirror the screen.'],
    ['StopMirroring', 'Stops mirroring the screen.'],
    ['LOMSetupRequest', 'Asks a Mac for what Lights Out Management needs.'],
    ['LOMDeviceRequest', 'Starts, stops or resets other Macs by Lights Out Management.'],
  ],
}

/** The words of each request type, in the order in which people look for it. */
export const TYPE_WORDS: ReadonlyMap<string, CommandWords> = new Map(
  GROUPS.flatMap((group) =>
    TEXTS[group].map(([requestType, description, loses]) => [
      requestType,
      { group, description, ...(loses !== undefined && { loses }) },
    ]),
  ),
)
