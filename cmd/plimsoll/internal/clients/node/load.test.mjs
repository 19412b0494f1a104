// Clients that give up, time out, or ask for more than the limits hold.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import OpenAI from 'openai'
import Anthropic from '@anthropic-ai/sdk'

const url = process.env.PLIMSOLL_URL
const apiKey = process.env.PLIMSOLL_TOKEN
const ask = { model: 'gpt-4o', messages: [{ role: 'user', content: 'Hello. out=500' }] }

test('openai: a stream that is aborted', async () => {
  const openai = new OpenAI({ baseURL: url + '/openai/v1', apiKey })
  for (let i = 0; i < 10; i++) {
    const stream = await openai.chat.completions.create({ ...ask, stream: true })
    for await (const _ of stream) break
    stream.controller.abort()
  }
})

test('@anthropic-ai/sdk: a stream that is aborted', async () => {
  const anthropic = new Anthropic({ baseURL: url + '/anthropic', apiKey })
  for (let i = 0; i < 10; i++) {
    const stream = await anthropic.messages.create({ model: 'claude', max_tokens: 500, messages: ask.messages, stream: true })
    for await (const _ of stream) break
    stream.controller.abort()
  }
})

test('openai: a call that times out', async () => {
  const openai = new OpenAI({ baseURL: url + '/openai/v1', apiKey, timeout: 1, maxRetries: 0 })
  await assert.rejects(openai.chat.completions.create(ask), (err) => err instanceof OpenAI.APIConnectionTimeoutError)
})

test('openai: a burst beyond the limit is served by its own retries', async () => {
  const openai = new OpenAI({ baseURL: url + '/openai/v1', apiKey, maxRetries: 2 })
  const begun = Date.now()
  const all = await Promise.allSettled(Array.from({ length: 66 }, () => openai.chat.completions.create({ ...ask, model: 'burst' })))
  assert.deepEqual(all.filter((r) => r.status === 'rejected').map((r) => String(r.reason)), [])
  assert.ok(Date.now() - begun < 25_000)
})

test('openai: a burst that waits in line', async () => {
  const openai = new OpenAI({ baseURL: url + '/openai/v1', apiKey, maxRetries: 0, defaultHeaders: { 'X-Plimsoll-Wait': '30s' } })
  const all = await Promise.allSettled(Array.from({ length: 6 }, () => openai.chat.completions.create({ ...ask, model: 'burst' })))
  assert.deepEqual(all.filter((r) => r.status === 'rejected').map((r) => String(r.reason)), [])
})

test('openai: a burst beyond a limit that is not configured is served by its own retries', async () => {
  const openai = new OpenAI({ baseURL: url + '/openai/v1', apiKey, maxRetries: 8 })
  const all = await Promise.allSettled(Array.from({ length: 30 }, () => openai.chat.completions.create({ ...ask, model: 'quick' })))
  assert.deepEqual(all.filter((r) => r.status === 'rejected').map((r) => String(r.reason)), [])
})
