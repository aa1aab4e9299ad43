import { commandCatalogue } from '../../command-types/catalogue.ts'
import { buildClaimPage } from './claim-page.ts'
import { buildConsole } from './console.ts'
import { writeDocuments } from './documents.ts'

/**
 * The files that the Worker serves and does not hold.
 *
 * @param projectDir the directory of wrangler.toml
 * @returns the content of each file by its name
 */
export async function publicFiles(projectDir: string): Promise<ReadonlyMap<string, string>> {
  const documents = await writeDocuments(projectDir)
  return new Map([
    ...documents,
    ['command-types.json', JSON.stringify(commandCatalogue())],
    ['setup.html', await buildClaimPage(projectDir)],
    ...(await buildConsole(projectDir)),
  ])
}
