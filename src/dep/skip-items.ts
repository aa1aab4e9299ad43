/**
 * The panes of Setup Assistant that a profile can skip (Apple, "SkipKeys"). `skip_setup_items: "all"` stands
 * for all of them: each system ignores those that it does not have.
 */
export const SKIP_ITEMS: readonly string[] = (
  'Accessibility AccessibilityAppearance ActionButton Android Appearance AppleID AppStore Biometric ' +
  'CameraButton DeviceFeaturesTour DeviceToDeviceMigration Diagnostics DisplayTone EnableLockdownMode ' +
  'FileVault HomeButtonSensitivity iCloudDiagnostics iCloudStorage iMessageAndFaceTime Intelligence ' +
  'Keyboard LiquidGlass Location MessagingActivationUsingPhoneNumber Multitasking OnBoarding OSShowcase ' +
  'Passcode Payment Privacy Restore RestoreCompleted Safety SafetyAndHandling ScreenSaver ScreenTime ' +
  'SIMSetup Siri SoftwareUpdate SpokenLanguage TapToSetup TermsOfAddress Tips TOS TVHomeScreenSync ' +
  'TVProviderSignIn TVRoom UnlockWithWatch UpdateCompleted Wallpaper WatchMigration WebContentFiltering ' +
  'Welcome Zoom'
).split(' ')
