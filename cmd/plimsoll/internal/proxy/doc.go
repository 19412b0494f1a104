// Package proxy makes calls for clients of OpenAI's or Anthropic's API. The model that
// a client names is a group, of which package transport chooses a deployment. The proxy
// adds the server's part: which headers pass, bounds on bodies and time, and answers to
// calls that cannot be made.
package proxy
