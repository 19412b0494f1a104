// Package clients has real clients call the proxy before a fake provider: those of
// OpenAI, Anthropic, Vercel and LangChain on Node. Its tests install them with npm where
// they are missing.
package clients
