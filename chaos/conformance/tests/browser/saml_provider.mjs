// An identity provider that others have written signs a member in here: samlp of npm, with a browser of a few lines.
import { readFileSync } from 'node:fs'
import { promisify } from 'node:util'
import samlp from 'samlp'

const [origin, issuer, keyFile, certificateFile, mail] = process.argv.slice(2)
const cookies = new Map()

async function go(place, options = {}) {
  const cookie = [...cookies].map(([name, kept]) => `${name}=${kept}`).join('; ')
  const response = await fetch(place, { ...options, headers: { cookie }, redirect: 'manual' })
  for (const set of response.headers.getSetCookie()) {
    const [name, kept] = set.split(';')[0].split(/=(.*)/s)
    cookies.set(name, kept)
  }
  return response
}

const page = await (await go(`${origin}/sso/start?organisation=dev&return=/oauth/device`)).text()
const departure = new URL(page.match(/<a href="([^"]+)"/)[1].replace(/&amp;/g, '&'))
const query = Object.fromEntries(departure.searchParams)
const asked = await promisify(samlp.parseRequest)({ method: 'GET', query, get: () => '' }, {})
const user = { id: 'one', displayName: 'One', name: { givenName: 'O', familyName: 'Ne' }, emails: [{ value: mail }] }
const answer = async (more) =>
  promisify(samlp.getSamlResponse)(
    {
      issuer,
      key: readFileSync(keyFile, 'utf8'),
      cert: readFileSync(certificateFile, 'utf8'),
      audience: asked.issuer,
      recipient: asked.assertionConsumerServiceURL,
      destination: asked.assertionConsumerServiceURL,
      inResponseTo: asked.id,
      signatureAlgorithm: 'rsa-sha256',
      digestAlgorithm: 'sha256',
      lifetimeInSeconds: 60,
      sessionIndex: '_s1',
      ...more,
    },
    user,
  )
const post = async (text) => {
  const body = new URLSearchParams({ SAMLResponse: Buffer.from(text).toString('base64') })
  // A form of another site comes without cookies.
  return fetch(asked.assertionConsumerServiceURL, { method: 'POST', body, redirect: 'manual' })
}
const refusals = []
for (const wrong of [{ audience: 'https://other.example.test' }, { signatureAlgorithm: 'rsa-sha1' }, { inResponseTo: '_other;' }]) {
  refusals.push((await post(await answer(wrong))).status)
}
const forged = (await answer({})).replaceAll(mail, 'user2@example.test')
refusals.push((await post(forged)).status)
const good = await answer({ signResponse: process.argv[7] === 'both' })
const taken = await post(good)
const arrived = await go(new URL(taken.headers.get('location') ?? '/none', origin).href)
refusals.push((await post(good)).status)
const shown = await (await go(new URL(arrived.headers.get('location') ?? '/none', origin).href)).text()
console.log(JSON.stringify({ refusals, taken: taken.status, arrived: arrived.status, signed_in: shown.includes('name="user_code"') }))
