/** Lines in a square of 16, by what follows `/console/` in an address. */
const LINES: Readonly<Record<string, string>> = {
  '': 'M2.5 2.5h4.5v6h-4.5zM9 2.5h4.5v3.5h-4.5zM9 8h4.5v5.5h-4.5zM2.5 10.5h4.5v3h-4.5z',
  devices: 'M2.5 3.5h8v6h-8zM1.5 12h6M10.5 6.5h4v7h-4z',
  activity: 'M1.5 8.5h3l2-5.5 3 10 2-4.5h3',
  jobs: 'M3 4l1 1 2-2M3 8.5l1 1 2-2M3 13l1 1 2-2M8.5 4h5M8.5 8.5h5M8.5 13h5',
  updates: 'M13 8a5 5 0 1 1-1.500-3.500M13 2v3h-3',
  profiles: 'M3 2.500h10v11h-10zM5.500 6h5M5.500 8.500h5M5.500 11h3',
  declarations:
    'M6 2.500C3 2.500 5 8 2 8c3 0 1 5.500 4 5.500M10 2.500c3 0 1 5.500 4 5.500-3 0-1 5.500-4 5.500',
  enrolment: 'M8 2.5v8M5 7.5l3 3 3-3M2.5 11v2.5h11v-2.5',
  'business-manager': 'M2.5 13.5v-9h6v9M8.5 7.5h5v6h-11M5 7h1M5 10h1M11 10v1',
  blueprints: 'M3.5 2h9v12h-9zM6 5h4M6 8h4M6 11h2',
  webhooks: 'M2.5 8h8M7.5 5l3 3-3 3M13.5 3v10',
  health: 'M8 13.5C3 10 2 7.5 2.5 5.5 3.2 3 6.5 2.8 8 5c1.5-2.2 4.8-2 5.5.5C14 7.5 13 10 8 13.500z',
  audit: 'M4 1.500h5.500l3 3v10h-8.500zM6 7h4M6 10h4',
  settings: 'M2 5h7M12 5h2M9 3.500h3v3h-3zM2 11h2M7 11h7M4 9.500h3v3h-3z',
  search: 'M7 2.500a4.5 4.5 0 1 0 0 9 4.5 4.5 0 0 0 0-9zM10.5 10.500l3.5 3.5',
  menu: 'M2 4h12M2 8h12M2 12h12',
}

export function Icon({ of }: { readonly of: string }) {
  return (
    <svg viewBox="0 0 16 16" width="16" height="16" aria-hidden="true" class="icon">
      <path d={LINES[of] ?? 'M8 7.500v1'} />
    </svg>
  )
}
