import { Tabs } from '../../../kit/tabs.tsx'

/** Declarations and sets are two halves of one thing. */
export function CatalogTabs({ current }: { readonly current: 'declarations' | 'sets' }) {
  return (
    <Tabs
      label="Declarations and sets"
      current={current}
      tabs={[
        { id: 'declarations', to: '/console/declarations', label: 'Declarations' },
        { id: 'sets', to: '/console/sets', label: 'Sets' },
      ]}
    />
  )
}
