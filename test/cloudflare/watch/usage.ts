import { Bare, fieldOf, fieldsOf, textOf, type Routes } from '../route.ts'

/** The plan of an account, and its figures in the GraphQL Analytics API. */
export const USAGE_ROUTES: Routes = [
  [
    'GET',
    '/subscriptions',
    ({ account }) => (account.plan === 'paid' ? [{ rate_plan: { id: 'workers_paid' } }] : []),
  ],
  [
    'POST',
    '/graphql',
    ({ accounts, body }) => {
      const variables = fieldsOf(body)['variables']
      const wanted = fieldOf(variables, 'account')
      if (wanted === undefined) {
        // `wrangler d1 info` asks for the figures of a day. There are none.
        return new Bare({ data: { viewer: { accounts: [] } } })
      }
      const account = accounts.find(({ id }) => id === wanted)
      if (!account?.usage) {
        return new Bare({ data: null, errors: [{ message: 'not authorized for that account' }] })
      }
      const used = account.usage.get(textOf(variables, 'day')) ?? {}
      const datasets = textOf(body, 'query').matchAll(/(\w+)\(limit:/g)
      const groups = [...datasets].map(([, dataset = '']) => [
        dataset,
        used[dataset] ? [{ sum: used[dataset] }] : [],
      ])
      return new Bare({
        data: { viewer: { accounts: [Object.fromEntries(groups)] } },
        errors: null,
      })
    },
  ],
]
