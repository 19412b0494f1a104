// Package fake is a provider of models that exists only here: several accounts, each
// with the limits, the headers and the refusals of a real provider, by the rules of
// package rule, behind the APIs of OpenAI and Anthropic. It answers with words without
// meaning. It is for trying the proxy without a key, and for tests with real clients.
package fake
