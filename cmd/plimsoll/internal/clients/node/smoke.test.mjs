// What a developer sees who points a client of OpenAI's or Anthropic's at the proxy.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import OpenAI, { toFile } from 'openai'
import Anthropic from '@anthropic-ai/sdk'
import { generateObject, generateText, streamText, tool, embedMany } from 'ai'
import { createOpenAI } from '@ai-sdk/openai'
import { createAnthropic } from '@ai-sdk/anthropic'
import { ChatOpenAI, OpenAIEmbeddings } from '@langchain/openai'
import { z } from 'zod'

const url = process.env.PLIMSOLL_URL
const apiKey = process.env.PLIMSOLL_TOKEN
const openai = new OpenAI({ baseURL: url + '/openai/v1', apiKey })
const anthropic = new Anthropic({ baseURL: url + '/anthropic', apiKey })
const ask = { model: 'gpt-4o', messages: [{ role: 'user', content: 'Hello. out=31' }] }
const weather = { name: 'weather', description: 'of a city', parameters: { type: 'object', properties: { city: { type: 'string' } } } }

test('openai: a chat, and its stream', async () => {
  const chat = await openai.chat.completions.create(ask)
  assert.equal(chat.usage.completion_tokens, 31)
  const { response } = await openai.chat.completions.create(ask).withResponse()
  assert.match(response.headers.get('x-plimsoll-deployment'), /^[ab]$/)
  let text = ''
  for await (const chunk of await openai.chat.completions.create({ ...ask, stream: true })) {
    assert.equal(chunk.choices.length, 1, 'the chunk that only reports the usage is hidden')
    text += chunk.choices[0].delta.content ?? ''
  }
  assert.equal(text.split(' ').length, 31)
  const runner = openai.chat.completions.stream({ ...ask, stream_options: { include_usage: true } })
  assert.equal((await runner.finalChatCompletion()).usage.completion_tokens, 31)
})

test('openai: tools and structured output', async () => {
  const called = await openai.chat.completions.create({ ...ask, tools: [{ type: 'function', function: weather }] })
  assert.equal(called.choices[0].message.tool_calls[0].function.name, 'weather')
  const parsed = await openai.chat.completions.parse({
    ...ask,
    response_format: { type: 'json_schema', json_schema: { name: 'answer', strict: true, schema: { type: 'object', properties: { n: { type: 'integer' } }, required: ['n'], additionalProperties: false } } },
  })
  assert.equal(typeof JSON.parse(parsed.choices[0].message.content).n, 'number')
})

test('openai: a chain of responses', async () => {
  let previous
  for (let turn = 0; turn < 5; turn++) {
    const response = await openai.responses.create({ model: 'gpt-4o', input: 'Hello. out=7', previous_response_id: previous?.id })
    assert.equal(response.output_text.split(' ').length, 7)
    assert.equal(response.previous_response_id, previous?.id ?? null)
    previous = response
  }
  const stream = openai.responses.stream({ model: 'gpt-4o', input: 'Hello. out=8', previous_response_id: previous.id })
  const final = await stream.finalResponse()
  assert.equal(final.output_text.split(' ').length, 8)
  const again = await openai.responses.create({ model: 'gpt-4o', input: 'and?', previous_response_id: final.id })
  assert.equal((await openai.responses.retrieve(again.id)).id, again.id)
  await openai.responses.inputItems.list(again.id)
  await openai.responses.delete(again.id)
  await assert.rejects(openai.responses.retrieve(again.id), (err) => err.status === 404)
  await assert.rejects(openai.responses.create({ model: 'gpt-4o', input: 'x', previous_response_id: 'resp_of_another_account' }), (err) => err.status === 404 && err.code === 'previous_response_not_found')
})

test('openai: embeddings, images, audio, moderations, models', async () => {
  assert.equal((await openai.embeddings.create({ model: 'gpt-4o', input: ['one', 'two'], encoding_format: 'float' })).data.length, 2)
  assert.equal((await openai.images.generate({ model: 'gpt-4o', prompt: 'a quay' })).data.length, 1)
  const transcript = await openai.audio.transcriptions.create({ model: 'gpt-4o', file: await toFile(Buffer.from('ID3'), 'a.mp3') })
  assert.match(transcript.text, /crates/)
  const said = await openai.audio.speech.create({ model: 'gpt-4o', voice: 'alloy', input: 'Hello' })
  assert.ok((await said.arrayBuffer()).byteLength > 0)
  assert.equal((await openai.moderations.create({ model: 'gpt-4o', input: 'x' })).results[0].flagged, false)
  const names = []
  for await (const model of openai.models.list()) names.push(model.id)
  assert.deepEqual(names, ['burst', 'claude', 'gpt-4o', 'quick', 'smart', 'tiny'])
})

test('openai: errors', async () => {
  await assert.rejects(openai.chat.completions.create({ ...ask, model: 'nobody' }), (err) => err.status === 404 && err.code === 'model_not_found')
  await assert.rejects(openai.chat.completions.create({ ...ask, model: 'tiny' }), (err) => err.status === 429 && err.code === 'rate_limit_exceeded')
  await assert.rejects(openai.fineTuning.jobs.list(), (err) => err.status === 404 && /is not served by this proxy/.test(err.message))
})

test('@anthropic-ai/sdk: batches of messages, whose results come through the proxy', async () => {
  const params = { model: 'claude', max_tokens: 50, messages: [{ role: 'user', content: 'Hello' }] }
  const { batches } = anthropic.messages
  const batch = await batches.create({ requests: ['one', 'two'].map((custom_id) => ({ custom_id, params })) })
  assert.equal((await batches.retrieve(batch.id)).results_url, `/v1/messages/batches/${batch.id}/results`)
  const names = []
  for await (const line of await batches.results(batch.id)) names.push(line.custom_id + ' ' + line.result.type)
  assert.deepEqual(names, ['one succeeded', 'two succeeded'])
  const ids = []
  for await (const one of batches.list({ limit: 1 })) ids.push(one.id)
  assert.deepEqual(ids, [batch.id])
  await batches.cancel(batch.id)
  assert.equal((await batches.delete(batch.id)).type, 'message_batch_deleted')
  await assert.rejects(batches.retrieve(batch.id), (err) => err.status === 404)
})

test('@anthropic-ai/sdk: messages, streams, tools, tokens and models', async () => {
  const params = { model: 'claude', max_tokens: 100, messages: [{ role: 'user', content: 'Hello. out=41' }] }
  const message = await anthropic.messages.create(params)
  assert.equal(message.usage.output_tokens, 41)
  const final = await anthropic.messages.stream(params).finalMessage()
  assert.equal(final.usage.output_tokens, 41)
  assert.equal(final.content[0].text.split(' ').length, 41)
  const used = await anthropic.messages.create({ ...params, tools: [{ name: 'weather', input_schema: weather.parameters }] })
  assert.equal(used.content[0].type, 'tool_use')
  assert.ok((await anthropic.messages.countTokens({ model: 'claude', messages: params.messages })).input_tokens > 0)
  const names = []
  for await (const model of anthropic.models.list()) names.push(model.id)
  assert.ok(names.includes('claude'))
  assert.equal((await anthropic.models.retrieve('claude')).id, 'claude')
  await assert.rejects(anthropic.messages.create({ ...params, model: 'nobody' }), (err) => err.status === 404 && err.error.error.type === 'not_found_error')
})

test('ai: texts, streams, objects and tools of both providers', async () => {
  const models = [
    createOpenAI({ baseURL: url + '/openai/v1', apiKey })('gpt-4o'),
    createOpenAI({ baseURL: url + '/v1', apiKey }).chat('gpt-4o'),
    createAnthropic({ baseURL: url + '/anthropic/v1', apiKey })('claude'),
  ]
  for (const model of models) {
    const { text, usage } = await generateText({ model, prompt: 'Hello. out=9' })
    assert.equal(text.split(' ').length, 9)
    assert.equal(usage.outputTokens, 9)
    let streamed = ''
    for await (const part of streamText({ model, prompt: 'Hello. out=9' }).textStream) streamed += part
    assert.equal(streamed.split(' ').length, 9)
    const { toolCalls } = await generateText({ model, prompt: 'Hello.', tools: { weather: tool({ description: 'of a city', inputSchema: z.object({ city: z.string() }) }) } })
    assert.equal(toolCalls[0].input.city, 'Lisbon')
  }
  const { object } = await generateObject({ model: models[0], schema: z.object({ n: z.number() }), prompt: 'Hello.' })
  assert.equal(typeof object.n, 'number')
  const provider = createOpenAI({ baseURL: url + '/openai/v1', apiKey })
  assert.equal((await embedMany({ model: provider.textEmbeddingModel('gpt-4o'), values: ['a', 'b'] })).embeddings.length, 2)
})

test('@langchain/openai: chats, streams and embeddings', async () => {
  const chat = new ChatOpenAI({ model: 'gpt-4o', apiKey, configuration: { baseURL: url + '/openai/v1' } })
  const answer = await chat.invoke('Hello. out=12')
  assert.equal(answer.content.split(' ').length, 12)
  let text = ''
  for await (const chunk of await chat.stream('Hello. out=12')) text += chunk.content
  assert.equal(text.split(' ').length, 12)
  const vectors = new OpenAIEmbeddings({ model: 'gpt-4o', apiKey, configuration: { baseURL: url + '/openai/v1' } })
  assert.equal((await vectors.embedDocuments(['one', 'two'])).length, 2)
})
