import type { PlistValue } from '../../../src/plist/value.ts'

/**
 * A request's own fields and what the device gets beside RequestType; `echo` where it differs from the
 * fields.
 */
export interface Sample {
  readonly json?: Readonly<Record<string, unknown>>
  readonly plist?: Readonly<Record<string, PlistValue>>
  readonly echo?: Readonly<Record<string, unknown>>
}

const BYTES = new Uint8Array([0, 1])
const B64 = 'AAE='
const identifiers: Sample = {
  json: { identifiers: ['a', 'b'] },
  plist: { Identifiers: ['a', 'b'] },
}
const setPassword: Sample = {
  json: {
    current_password: 'c',
    new_password: 'n',
    request_requires_network_tether: true,
    allow_oroms: false,
  },
  plist: {
    CurrentPassword: 'c',
    NewPassword: 'n',
    RequestRequiresNetworkTether: true,
    AllowOroms: false,
  },
}
const verifyPassword: Sample = { json: { password: 'p' }, plist: { Password: 'p' } }
const managedApp = {
  json: {
    management_flags: 0,
    change_management_state: 'Managed',
    configuration: { Server: 'x', list: [1, { deep: false }], none: null },
    install_as_managed: true,
    ios_app: false,
  },
  plist: {
    ManagementFlags: 0,
    ChangeManagementState: 'Managed',
    Configuration: { Server: 'x', list: [1, { deep: false }] },
    InstallAsManaged: true,
    iOSApp: false,
  },
}
const bundle = { 'bundle-identifier': 'b', 'bundle-version': '1' }
const manifest = {
  items: [
    {
      assets: [
        {
          kind: 'software-package',
          url: 'https://x/',
          'md5-size': 1,
          md5s: ['m'],
          'sha256-size': 2,
          sha256s: ['s'],
        },
      ],
      metadata: {
        ...bundle,
        kind: 'software',
        title: 't',
        subtitle: 's',
        sizeInBytes: 3,
        items: [bundle],
      },
    },
  ],
}

/** One full request of every type that has fields. */
export const REQUESTS: Readonly<Record<string, Sample>> = {
  ProfileList: { json: { managed_only: false }, plist: { ManagedOnly: false } },
  RestartDevice: {
    json: { rebuild_kernel_cache: true, kext_paths: ['/a'], notify_user: false },
    plist: { RebuildKernelCache: true, KextPaths: ['/a'], NotifyUser: false },
  },
  InstallProfile: { json: { payload: B64 }, plist: { Payload: BYTES } },
  RemoveProfile: { json: { identifier: 'i' }, plist: { Identifier: 'i' } },
  InstallProvisioningProfile: {
    json: { provisioning_profile: B64 },
    plist: { ProvisioningProfile: BYTES },
  },
  RemoveProvisioningProfile: { json: { uuid: 'u' }, plist: { UUID: 'u' } },
  InstalledApplicationList: {
    json: { identifiers: ['a'], managed_appd_only: true, items: ['Name'] },
    plist: { Identifiers: ['a'], ManagedAppsOnly: true, Items: ['Name'] },
  },
  DeviceInformation: { json: { queries: ['UDID'] }, plist: { Queries: ['UDID'] } },
  DeviceLock: {
    json: { pin: '123456', message: 'm', phone_number: '1' },
    plist: { PIN: '123456', Message: 'm', PhoneNumber: '1' },
  },
  ClearPasscode: { json: { unlock_token: B64 }, plist: { UnlockToken: BYTES } },
  EraseDevice: {
    json: {
      pin: '123456',
      preserve_data_plan: true,
      disallow_proximity_setup: false,
      obliteration_behavior: 'Always',
      return_to_service: {
        enabled: true,
        mdm_profile_data: B64,
        wifi_profile_data: B64,
        bootstrap_token: B64,
        should_retry_enrollment: false,
      },
    },
    plist: {
      PIN: '123456',
      PreserveDataPlan: true,
      DisallowProximitySetup: false,
      ObliterationBehavior: 'Always',
      ReturnToService: {
        Enabled: true,
        MDMProfileData: BYTES,
        WiFiProfileData: BYTES,
        BootstrapToken: BYTES,
        ShouldRetryEnrollment: false,
      },
    },
  },
  RequestMirroring: {
    json: {
      destination_name: 'n',
      destination_device_id: 'd',
      scan_time: '30',
      password: 'p',
    },
    plist: { DestinationName: 'n', DestinationDeviceID: 'd', ScanTime: '30', Password: 'p' },
  },
  Restrictions: { json: { profile_restrictions: true }, plist: { ProfileRestrictions: true } },
  UnlockUserAccount: { json: { username: 'u' }, plist: { UserName: 'u' } },
  DeleteUser: {
    json: { username: 'u', force_deletion: true, delete_all_users: false },
    plist: { UserName: 'u', ForceDeletion: true, DeleteAllUsers: false },
  },
  EnableLostMode: {
    json: { message: 'm', phone_number: '1', footnote: 'f' },
    plist: { Message: 'm', PhoneNumber: '1', Footnote: 'f' },
  },
  InstallApplication: {
    json: {
      itunes_store_id: 9007199254740991,
      identifier: 'i',
      manifest_url: 'https://x/',
      options: { purchase_method: 1 },
      attributes: { VPNUUID: 'v', Removable: false },
      ...managedApp.json,
    },
    plist: {
      iTunesStoreID: 9007199254740991,
      Identifier: 'i',
      ManifestURL: 'https://x/',
      Options: { PurchaseMethod: 1 },
      Attributes: { VPNUUID: 'v', Removable: false },
      ...managedApp.plist,
    },
  },
  InstallEnterpriseApplication: {
    json: {
      manifest,
      manifest_url: 'https://x/',
      manifest_url_pinning_certs: [B64],
      pinning_revocation_check_required: false,
      ...managedApp.json,
    },
    plist: {
      Manifest: manifest,
      ManifestURL: 'https://x/',
      ManifestURLPinningCerts: [BYTES],
      PinningRevocationCheckRequired: false,
      ...managedApp.plist,
    },
  },
  AccountConfiguration: {
    json: {
      skip_primary_setup_account_creation: false,
      set_primary_setup_account_as_regular_user: true,
      dont_auto_populate_primary_account_info: false,
      lock_primary_account_info: true,
      primary_account_full_name: 'F',
      primary_account_user_name: 'u',
      managed_local_user_short_name: 'm',
      auto_setup_admin_accounts: [
        { short_name: 's', full_name: 'f', password_hash: B64, hidden: false },
      ],
    },
    plist: {
      SkipPrimarySetupAccountCreation: false,
      SetPrimarySetupAccountAsRegularUser: true,
      DontAutoPopulatePrimaryAccountInfo: false,
      LockPrimaryAccountInfo: true,
      PrimaryAccountFullName: 'F',
      PrimaryAccountUserName: 'u',
      ManagedLocalUserShortName: 'm',
      AutoSetupAdminAccounts: [
        { shortName: 's', fullName: 'f', passwordHash: BYTES, hidden: false },
      ],
    },
  },
  ApplyRedemptionCode: {
    json: { identifier: 'i', redemption_code: 'r' },
    plist: { Identifier: 'i', RedemptionCode: 'r' },
  },
  ManagedApplicationList: identifiers,
  ManagedApplicationConfiguration: identifiers,
  ManagedApplicationAttributes: identifiers,
  ValidateApplications: identifiers,
  ManagedApplicationFeedback: {
    json: { identifiers: ['a'], delete_feedback: false },
    plist: { Identifiers: ['a'], DeleteFeedback: false },
  },
  RemoveApplication: { json: { identifier: 'i' }, plist: { Identifier: 'i' } },
  InviteToProgram: {
    json: { program_id: 'p', invitation_url: 'u' },
    plist: { ProgramID: 'p', InvitationURL: 'u' },
  },
  CertificateList: { json: { managed_only: true }, plist: { ManagedOnly: true } },
  ProvisioningProfileList: { json: { managed_only: true }, plist: { ManagedOnly: true } },
  TriggerEnhancedLogCollection: {
    json: { apple_care_token: 't' },
    plist: { AppleCareToken: 't' },
  },
  InstallMedia: {
    json: {
      itunes_store_id: 5,
      media_url: 'u',
      media_type: 'Book',
      persistent_id: 'p',
      kind: 'pdf',
      title: 't',
      author: 'a',
      version: '1',
    },
    plist: {
      iTunesStoreID: 5,
      MediaURL: 'u',
      MediaType: 'Book',
      PersistentID: 'p',
      Kind: 'pdf',
      Title: 't',
      Author: 'a',
      Version: '1',
    },
  },
  RemoveMedia: {
    json: { itunes_store_id: 5, media_type: 'Book', persistent_id: 'p' },
    plist: { iTunesStoreID: 5, MediaType: 'Book', PersistentID: 'p' },
  },
  SetFirmwarePassword: setPassword,
  SetRecoveryLock: setPassword,
  VerifyFirmwarePassword: verifyPassword,
  VerifyRecoveryLock: verifyPassword,
  SetAutoAdminPassword: {
    json: { guid: 'g', password_hash: B64 },
    plist: { GUID: 'g', passwordHash: BYTES },
  },
  ScheduleOSUpdate: {
    json: {
      updates: [
        {
          product_key: 'k',
          install_action: 'Default',
          max_user_deferrals: 0,
          product_version: '15.1',
          priority: 'High',
        },
      ],
    },
    plist: {
      Updates: [
        {
          ProductKey: 'k',
          InstallAction: 'Default',
          MaxUserDeferrals: 0,
          ProductVersion: '15.1',
          Priority: 'High',
        },
      ],
    },
  },
  ScheduleOSUpdateScan: { json: { force: false }, plist: { Force: false } },
  ActiveNSExtensions: {
    json: { filter_extensions_points: ['p'] },
    plist: { FilterExtensionPoints: ['p'] },
  },
  RotateFileVaultKey: {
    json: {
      key_type: 'personal',
      filevault_unlock: {
        password: 'p',
        private_key_export: B64,
        private_key_export_password: 'e',
      },
      new_certificate: B64,
      reply_encryption_certificate: B64,
    },
    plist: {
      KeyType: 'personal',
      FileVaultUnlock: {
        Password: 'p',
        PrivateKeyExport: BYTES,
        PrivateKeyExportPassword: 'e',
      },
      NewCertificate: BYTES,
      ReplyEncryptionCertificate: BYTES,
    },
  },
  RefreshCellularPlans: { json: { esim_server_url: 'u' }, plist: { eSIMServerURL: 'u' } },
  LOMDeviceRequest: {
    json: {
      request_list: [
        {
          device_dns_name: 'd',
          device_request_type: 'Reset',
          device_request_uuid: 'U',
          lom_protocol_version: 1,
          primary_ip_v6_address_list: ['::1'],
          secondary_ip_v6_address_list: ['::2'],
        },
      ],
    },
    plist: {
      RequestList: [
        {
          DeviceDNSName: 'd',
          DeviceRequestType: 'Reset',
          DeviceRequestUUID: 'U',
          LOMProtocolVersion: 1,
          PrimaryIPv6AddressList: ['::1'],
          SecondaryIPv6AddressList: ['::2'],
        },
      ],
    },
  },
  Settings: {
    json: { settings: [{ item: 'Bluetooth', enabled: false }] },
    plist: { Settings: [{ Item: 'Bluetooth', Enabled: false }] },
    echo: {
      settings: [{ item: 'Bluetooth', enabled: false, identifier: null, configuration: null }],
    },
  },
  DeclarativeManagement: { json: { data: B64 }, plist: { Data: BYTES } },
}

/** What a request without any field makes of types that always send something, or always echo it. */
export const EMPTY_REQUESTS: Readonly<Record<string, Sample>> = {
  InstallProfile: { plist: { Payload: new Uint8Array() } },
  RemoveProfile: { plist: { Identifier: '' } },
  RemoveProvisioningProfile: { plist: { UUID: '' }, echo: { uuid: '' } },
  DeviceLock: { echo: { pin: '' } },
  ClearPasscode: { plist: { UnlockToken: new Uint8Array() }, echo: { unlock_token: null } },
  EraseDevice: { plist: { PIN: '' }, echo: { pin: '' } },
  Restrictions: { plist: { ProfileRestrictions: false }, echo: { profile_restrictions: false } },
  UnlockUserAccount: { plist: { UserName: '' }, echo: { username: '' } },
  SetFirmwarePassword: { plist: { NewPassword: '' }, echo: { new_password: '' } },
  SetRecoveryLock: { plist: { NewPassword: '' }, echo: { new_password: '' } },
  VerifyFirmwarePassword: { plist: { Password: '' }, echo: { password: '' } },
  VerifyRecoveryLock: { plist: { Password: '' }, echo: { password: '' } },
  SetAutoAdminPassword: {
    plist: { passwordHash: new Uint8Array() },
    echo: { password_hash: null },
  },
  RotateFileVaultKey: { echo: { filevault_unlock: {} } },
}
