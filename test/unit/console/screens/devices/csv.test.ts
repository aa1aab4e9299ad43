import { expect, it } from 'vitest'
import { csvLine } from '../../../../../src/console/screens/devices/csv.ts'

it('a line of CSV quotes what would end a cell, and no cell runs in a spreadsheet', () => {
  expect(csvLine(['a', null, undefined, 'b,c', 'd"e', 'f\r\ng'])).toBe(
    'a,,,"b,c","d""e","f\r\ng"\r\n',
  )
  expect(csvLine(['=1+1', '+1', '-1', '@x', '\tx', 'a=1'])).toBe("'=1+1,'+1,'-1,'@x,'\tx,a=1\r\n")
  expect(csvLine(['😀', '\u202ex'])).toBe('😀,\u202ex\r\n')
})
