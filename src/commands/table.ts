import { command, field, NETWORK_TETHER, type CommandType } from './fields.ts'
import { MANIFEST } from './manifest.ts'
import { SETTING_FIELDS, settingItem } from './settings.ts'

const ALWAYS = { always: true }
const SECRET = { secret: true }
const ADDED = { added: true }

const MANAGED_ONLY = field('managed_only', 'ManagedOnly', 'bool', ADDED)

const IDENTIFIERS = field('identifiers', 'Identifiers', 'strings')
const IDENTIFIER = field('identifier', 'Identifier', 'string')
const STORE_ID = field('itunes_store_id', 'iTunesStoreID', 'integer')
const MANIFEST_URL = field('manifest_url', 'ManifestURL', 'string')
const MESSAGE = field('message', 'Message', 'string')
const PHONE_NUMBER = field('phone_number', 'PhoneNumber', 'string')
const MEDIA_TYPE = field('media_type', 'MediaType', 'string')
const PERSISTENT_ID = field('persistent_id', 'PersistentID', 'string', ADDED)

/** Fields of both ways to install an app. MicroMDM has them for InstallApplication only, or not at all. */
const MANAGED_APP = [
  field('management_flags', 'ManagementFlags', 'integer'),
  field('change_management_state', 'ChangeManagementState', 'string'),
  field('configuration', 'Configuration', 'dict'),
  field('install_as_managed', 'InstallAsManaged', 'bool'),
  field('ios_app', 'iOSApp', 'bool'),
]

const SET_PASSWORD = [
  field('current_password', 'CurrentPassword', 'string', SECRET),
  field('new_password', 'NewPassword', 'string', { always: true, echo: '', ...SECRET }),
  NETWORK_TETHER,
  field('allow_oroms', 'AllowOroms', 'bool'),
]

const VERIFY_PASSWORD = [
  field('password', 'Password', 'string', { always: true, echo: '', ...SECRET }),
]

/**
 * Every request type of Apple's schema, in a JSON form: the 61 of MicroMDM with its names and rules, and
 * the seven that it lacks. A key that MicroMDM does not know is written in snake_case.
 */
export const COMMANDS: readonly CommandType[] = [
  command('ProfileList', [MANAGED_ONLY]),
  command('ProvisioningProfileList', [MANAGED_ONLY]),
  command('CertificateList', [MANAGED_ONLY]),
  command('SecurityInfo'),
  command('RestartDevice', [
    field('rebuild_kernel_cache', 'RebuildKernelCache', 'bool'),
    field('kext_paths', 'KextPaths', 'strings'),
    field('notify_user', 'NotifyUser', 'bool'),
  ]),
  command('LOMSetupRequest'),
  command('ShutDownDevice', [], 'destructive'),
  command('StopMirroring'),
  command('ClearRestrictionsPassword', [], 'destructive'),
  command('UserList'),
  command('LogOutUser'),
  command('PlayLostModeSound'),
  command('DisableLostMode'),
  command('DeviceLocation'),
  command('ManagedMediaList'),
  command('DeviceConfigured'),
  command('AvailableOSUpdates'),
  command('NSExtensionMappings'),
  command('OSUpdateStatus'),
  command('EnableRemoteDesktop'),
  command('DisableRemoteDesktop'),
  command('ActivationLockBypassCode', [], 'secret', 'lasting'),

  // A profile may carry Wi-Fi passwords and identities with their private keys.
  command('InstallProfile', [field('payload', 'Payload', 'data', { ...ALWAYS, ...SECRET })]),
  command('RemoveProfile', [field('identifier', 'Identifier', 'string', ALWAYS)]),
  command('InstallProvisioningProfile', [
    field('provisioning_profile', 'ProvisioningProfile', 'data'),
  ]),
  command('RemoveProvisioningProfile', [
    field('uuid', 'UUID', 'string', { always: true, echo: '' }),
  ]),
  command('InstalledApplicationList', [
    IDENTIFIERS,
    field('managed_appd_only', 'ManagedAppsOnly', 'bool'),
    field('items', 'Items', 'strings'),
  ]),
  command('DeviceInformation', [
    field('queries', 'Queries', 'strings'),
    field('device_attestation_nonce', 'DeviceAttestationNonce', 'data', ADDED),
  ]),
  command(
    'DeviceLock',
    [field('pin', 'PIN', 'string', { echo: '', ...SECRET }), MESSAGE, PHONE_NUMBER],
    'destructive',
    'lasting',
  ),
  command(
    'ClearPasscode',
    [field('unlock_token', 'UnlockToken', 'data', { always: true, echo: null, ...SECRET })],
    'destructive',
  ),
  command(
    'EraseDevice',
    [
      field('pin', 'PIN', 'string', { always: true, echo: '', ...SECRET }),
      field('preserve_data_plan', 'PreserveDataPlan', 'bool'),
      field('disallow_proximity_setup', 'DisallowProximitySetup', 'bool'),
      field('obliteration_behavior', 'ObliterationBehavior', 'string'),
      field('return_to_service', 'ReturnToService', 'struct', {
        ...SECRET,
        fields: [
          field('enabled', 'Enabled', 'bool', ALWAYS),
          field('mdm_profile_data', 'MDMProfileData', 'data'),
          field('wifi_profile_data', 'WiFiProfileData', 'data'),
          field('bootstrap_token', 'BootstrapToken', 'data'),
          field('should_retry_enrollment', 'ShouldRetryEnrollment', 'bool'),
        ],
      }),
    ],
    'destructive',
    'lasting',
  ),
  command('RequestMirroring', [
    field('destination_name', 'DestinationName', 'string'),
    field('destination_device_id', 'DestinationDeviceID', 'string'),
    field('scan_time', 'ScanTime', 'string'),
    field('password', 'Password', 'string', SECRET),
  ]),
  command('Restrictions', [
    field('profile_restrictions', 'ProfileRestrictions', 'bool', { always: true, echo: false }),
  ]),
  command('UnlockUserAccount', [
    field('username', 'UserName', 'string', { always: true, echo: '' }),
  ]),
  command(
    'DeleteUser',
    [
      field('username', 'UserName', 'string'),
      field('force_deletion', 'ForceDeletion', 'bool'),
      field('delete_all_users', 'DeleteAllUsers', 'bool'),
    ],
    'destructive',
  ),
  command('EnableLostMode', [MESSAGE, PHONE_NUMBER, field('footnote', 'Footnote', 'string')]),
  command('InstallApplication', [
    STORE_ID,
    IDENTIFIER,
    MANIFEST_URL,
    field('options', 'Options', 'struct', {
      fields: [field('purchase_method', 'PurchaseMethod', 'integer', ALWAYS)],
    }),
    field('attributes', 'Attributes', 'dict'),
    ...MANAGED_APP,
  ]),
  command('InstallEnterpriseApplication', [
    field('manifest', 'Manifest', 'struct', { fields: MANIFEST }),
    MANIFEST_URL,
    field('manifest_url_pinning_certs', 'ManifestURLPinningCerts', 'datas'),
    field('pinning_revocation_check_required', 'PinningRevocationCheckRequired', 'bool'),
    ...MANAGED_APP,
  ]),
  command(
    'AccountConfiguration',
    [
      field('skip_primary_setup_account_creation', 'SkipPrimarySetupAccountCreation', 'bool'),
      field(
        'set_primary_setup_account_as_regular_user',
        'SetPrimarySetupAccountAsRegularUser',
        'bool',
      ),
      field(
        'dont_auto_populate_primary_account_info',
        'DontAutoPopulatePrimaryAccountInfo',
        'bool',
      ),
      field('lock_primary_account_info', 'LockPrimaryAccountInfo', 'bool'),
      field('primary_account_full_name', 'PrimaryAccountFullName', 'string'),
      field('primary_account_user_name', 'PrimaryAccountUserName', 'string'),
      field('managed_local_user_short_name', 'ManagedLocalUserShortName', 'string'),
      field('auto_setup_admin_accounts', 'AutoSetupAdminAccounts', 'structs', {
        ...SECRET,
        fields: [
          field('short_name', 'shortName', 'string', ALWAYS),
          field('full_name', 'fullName', 'string'),
          field('password_hash', 'passwordHash', 'data', ALWAYS),
          field('hidden', 'hidden', 'bool'),
        ],
      }),
    ],
    'lasting',
  ),
  command('ApplyRedemptionCode', [
    IDENTIFIER,
    field('redemption_code', 'RedemptionCode', 'string'),
  ]),
  command('ManagedApplicationList', [IDENTIFIERS]),
  command('ManagedApplicationConfiguration', [IDENTIFIERS]),
  command('ManagedApplicationAttributes', [IDENTIFIERS]),
  command('ManagedApplicationFeedback', [
    IDENTIFIERS,
    field('delete_feedback', 'DeleteFeedback', 'bool'),
  ]),
  command('ValidateApplications', [IDENTIFIERS]),
  command('RemoveApplication', [IDENTIFIER]),
  command('InviteToProgram', [
    field('program_id', 'ProgramID', 'string'),
    field('invitation_url', 'InvitationURL', 'string'),
  ]),
  command('InstallMedia', [
    STORE_ID,
    field('media_url', 'MediaURL', 'string'),
    MEDIA_TYPE,
    PERSISTENT_ID,
    field('kind', 'Kind', 'string', ADDED),
    field('title', 'Title', 'string', ADDED),
    field('author', 'Author', 'string', ADDED),
    field('version', 'Version', 'string', ADDED),
  ]),
  command('RemoveMedia', [STORE_ID, MEDIA_TYPE, PERSISTENT_ID]),
  command('SetFirmwarePassword', SET_PASSWORD, 'destructive', 'lasting'),
  command('SetRecoveryLock', SET_PASSWORD, 'destructive', 'lasting'),
  command('VerifyFirmwarePassword', VERIFY_PASSWORD),
  command('VerifyRecoveryLock', VERIFY_PASSWORD),
  command(
    'SetAutoAdminPassword',
    [
      field('guid', 'GUID', 'string'),
      field('password_hash', 'passwordHash', 'data', { always: true, echo: null, ...SECRET }),
    ],
    'destructive',
    'lasting',
  ),
  command('ScheduleOSUpdate', [
    field('updates', 'Updates', 'structs', {
      fields: [
        field('product_key', 'ProductKey', 'string'),
        field('install_action', 'InstallAction', 'string', ALWAYS),
        field('max_user_deferrals', 'MaxUserDeferrals', 'integer'),
        field('product_version', 'ProductVersion', 'string'),
        field('priority', 'Priority', 'string'),
      ],
    }),
  ]),
  command('ScheduleOSUpdateScan', [field('force', 'Force', 'bool')]),
  command('ActiveNSExtensions', [
    field('filter_extensions_points', 'FilterExtensionPoints', 'strings'),
  ]),
  command(
    'RotateFileVaultKey',
    [
      field('key_type', 'KeyType', 'string'),
      field('filevault_unlock', 'FileVaultUnlock', 'struct', {
        echo: {},
        ...SECRET,
        fields: [
          field('password', 'Password', 'string'),
          field('private_key_export', 'PrivateKeyExport', 'data'),
          field('private_key_export_password', 'PrivateKeyExportPassword', 'string'),
        ],
      }),
      field('new_certificate', 'NewCertificate', 'data'),
      field('reply_encryption_certificate', 'ReplyEncryptionCertificate', 'data'),
    ],
    'destructive',
    'lasting',
  ),
  command('RefreshCellularPlans', [field('esim_server_url', 'eSIMServerURL', 'string')]),
  command('LOMDeviceRequest', [
    field('request_list', 'RequestList', 'structs', {
      fields: [
        field('device_dns_name', 'DeviceDNSName', 'string', ALWAYS),
        field('device_request_type', 'DeviceRequestType', 'string', ALWAYS),
        field('device_request_uuid', 'DeviceRequestUUID', 'string', ALWAYS),
        field('lom_protocol_version', 'LOMProtocolVersion', 'integer', ALWAYS),
        field('primary_ip_v6_address_list', 'PrimaryIPv6AddressList', 'strings', ALWAYS),
        field('secondary_ip_v6_address_list', 'SecondaryIPv6AddressList', 'strings', ALWAYS),
      ],
    }),
  ]),
  command('Settings', [
    field('settings', 'Settings', 'structs', { fields: SETTING_FIELDS, shape: settingItem }),
  ]),

  // The types of Apple that MicroMDM takes only as raw plists.
  command('ClearActivationLockBypassCode', [], 'destructive'),
  command('ContentCachingInformation'),
  command('DeclarativeManagement', [field('data', 'Data', 'data')]),
  command('RequestUnlockToken', [], 'secret', 'lasting'),
  command('TriggerEnhancedLogCollection', [
    field('apple_care_token', 'AppleCareToken', 'string', SECRET),
  ]),
  command('CancelEnhancedLogCollection'),
  command('UserConfigured'),
]
