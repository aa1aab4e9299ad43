/** MicroMDM's error body, indented as its clients print it (micromdm-contract §1.2). */
export function errorJson(
  message: string,
  status: number,
  headers: Readonly<Record<string, string>> = {},
): Response {
  return new Response(`${JSON.stringify({ error: message }, null, 2)}\n`, {
    status,
    headers: {
      'content-type': 'application/json; charset=utf-8',
      'x-content-type-options': 'nosniff',
      ...headers,
    },
  })
}
