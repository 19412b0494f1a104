// Package proxy makes the calls for clients that speak OpenAI's or Anthropic's API:
// the model that they name is a group, package transport chooses the deployment. It
// adds what a server needs around a transport: what of a header may pass, limits on
// bodies and time, and answers where nothing can be called.
package proxy
