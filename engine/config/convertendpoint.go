package config

import (
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/plimsoll-dev/plimsoll/engine"
)

// endpoint writes how a deployment is called.
func (c *converter) endpoint(e *entry, d engine.Deployment, at string) {
	ep, ok := c.file.Endpoints[d.ID]
	if !ok {
		return // a note says why
	}
	own := vendorNamed(ep.Provider)
	if own == nil {
		own = &vendor{}
	}
	get := e.params.table.get
	c.line(2, "endpoint:", "", "")
	base := get("api_base")
	if base.absent() {
		base = get("base_url")
	}
	p := c.reader.provided(e)
	c.line(3, "url:", c.address(base, p, ep), comment(origin(e.params, base), at))
	if ep.API != own.api {
		c.line(3, "api:", ep.API, at)
	}
	model := get("model")
	if read := ownModel(d, c.file.Counting[d.ID].Provider); ep.Model != read {
		text := plain(ep.Model)
		if model.env != "" {
			text = c.secret(ep.Model, "MODEL", origin(e.params, model)+" the model, without its provider")
		}
		c.line(3, "model:", text, origin(e.params, model))
	}
	if ep.APIVersion != "" {
		switch v := get("api_version"); {
		case !v.absent():
			c.line(3, "api_version:", c.text(v, ep.APIVersion), origin(e.params, v))
		case ep.APIVersion != azureDefaultVersion:
			c.line(3, "api_version:", reference("AZURE_API_VERSION"), "none at "+at)
		default:
			c.line(3, "api_version:", quoted(ep.APIVersion), "none at "+at+": LiteLLM's default")
		}
	}
	c.key(e, p, ep, at)
	if ep.NoStreamUsage != own.noStreamUsage {
		c.line(3, "no_stream_usage:", strconv.FormatBool(ep.NoStreamUsage), p.name+" refuses stream_options")
	}
	c.timeouts(e, ep)
	info, _ := e.section.within("model_info")
	if ep.MaxInputTokens != 0 {
		v := info.table.get("max_input_tokens")
		c.line(3, "max_input_tokens:", c.whole(v, ep.MaxInputTokens), origin(info, v))
	}
	if ep.BaseModel != "" {
		v := info.table.get("base_model")
		c.line(3, "base_model:", c.text(v, ep.BaseModel), origin(info, v))
	}
	c.added(e, ep)
}

// comment returns where a value stands, or else why it is there.
func comment(where, at string) string {
	if where != "" {
		return where
	}
	return "none at " + at + ": as LiteLLM finds it"
}

// ownModel is what the own format calls the model of an endpoint that names none.
func ownModel(d engine.Deployment, provider string) string {
	if before, after, cut := strings.Cut(d.Model, "/"); cut && provider != "" {
		if v := vendorNamed(before); v.preset() == provider {
			return after
		}
	}
	return d.Model
}

// address writes where the API begins: the variable that holds it, if what is read from
// that is the same.
func (c *converter) address(base *value, p provided, ep Endpoint) string {
	env, raw := p.env, ""
	if !base.absent() {
		raw = base.text
	} else if env != "" {
		raw, _ = c.reader.options.LookupEnv(env)
	}
	if env == "" {
		return plain(ep.BaseURL)
	}
	v := &value{kind: text, text: raw, env: env}
	u, _ := parseBase(raw)
	if u != nil && baseOf(ep.API, *u) == ep.BaseURL {
		return c.variable(env, v)
	}
	if u != nil && p.below != "" && variableName.MatchString(env) {
		c.variable(env, v) // to be set, if the file sets it
		return quoted("${" + env + "}" + p.below)
	}
	return c.secret(ep.BaseURL, p.name+"_URL", "the address made of "+env)
}

// key writes the credential of an endpoint.
func (c *converter) key(e *entry, p provided, ep Endpoint, at string) {
	from := e.params.table.get("api_key")
	if ep.Bearer {
		from = e.params.table.get("azure_ad_token")
	}
	if from.absent() && (from == nil || from.env == "") || from.kind == text && from.text == "" && from.env == "" {
		from = nil
	}
	switch cred := ep.Credential; {
	case cred.IsZero():
		if own := vendorNamed(ep.Provider); own != nil && own.key != "" && p.url != nil && own.owns(p.url) {
			c.line(3, "no_key:", "true", "none at "+at)
		}
	case cred.env != "":
		c.line(3, "key:", c.variable(cred.env, &value{kind: text, env: cred.env}), comment(origin(e.params, from), at))
	case from == nil || from.env != "": // of environment_variables
		name := p.vendor.key
		if from != nil {
			name = from.env
		}
		c.line(3, "key:", c.variable(name, &value{kind: text, env: name, text: *cred.literal}), comment(origin(e.params, from), at))
	default:
		where := origin(e.params, from)
		c.line(3, "key:", c.secret(*cred.literal, p.name+"_KEY", where+" api_key"), where)
	}
	if ep.Bearer {
		c.line(3, "bearer:", "true", at)
	}
}

// timeouts writes how long an endpoint may be silent.
func (c *converter) timeouts(e *entry, ep Endpoint) {
	where := func(key string) string {
		if s, v := firstOf(key, e.params, c.section("router_settings")); v != nil {
			return origin(s, v)
		}
		settings := c.section("litellm_settings")
		if v := settings.table.get("request_timeout"); !v.absent() {
			return origin(settings, v)
		}
		return ""
	}
	write := func(key string, d time.Duration, name string) {
		if d != 0 {
			c.line(3, key, d.String(), where(name))
		}
	}
	write("connect_timeout:", ep.Timeouts.Connect, "")
	write("timeout:", ep.Timeouts.FirstByte, "timeout")
	if ep.Timeouts.StreamFirstByte != ep.Timeouts.FirstByte {
		write("stream_timeout:", ep.Timeouts.StreamFirstByte, "stream_timeout")
	}
	write("idle_timeout:", ep.Timeouts.Idle, "")
}

// publicHeaders are those whose values may stand in a file.
var publicHeaders = []string{"Accept", "Accept-Language", "Anthropic-Beta", "Anthropic-Version", "Http-Referer", "Openai-Beta", "Openai-Organization", "Openai-Project", "User-Agent", "X-Title"}

// added writes what is added to requests.
func (c *converter) added(e *entry, ep Endpoint) {
	if len(ep.Defaults) > 0 {
		c.line(3, "defaults:", "", "")
	}
	for _, name := range slices.Sorted(maps.Keys(ep.Defaults)) {
		v, where := c.source(e, name)
		if v == nil && name == "max_completion_tokens" {
			v, where = c.source(e, "max_tokens")
		}
		c.line(4, quotedKey(name), c.literal(v, name, false, where), where)
	}
	if len(ep.Headers) > 0 {
		c.line(3, "headers:", "", "")
	}
	for _, name := range slices.Sorted(maps.Keys(ep.Headers)) {
		v, where := c.header(e, name)
		text := ""
		switch {
		case v != nil && v.env != "":
			text = c.variable(v.env, v)
		case slices.Contains(publicHeaders, name) && c.file.Mask(string(ep.Headers[name])) == string(ep.Headers[name]):
			text = quoted(strings.ReplaceAll(string(ep.Headers[name]), "${", "$${"))
		default:
			text = c.secret(string(ep.Headers[name]), "HEADER_"+name, where+" "+name)
		}
		c.line(4, quotedKey(name), text, where)
	}
}

func quotedKey(name string) string { return plain(name) + ":" }

// header returns the value of a header that is added, and where it stands.
func (c *converter) header(e *entry, name string) (*value, string) {
	for _, s := range []section{e.params, c.reader.everyone} {
		if s.table == nil {
			continue
		}
		for _, key := range []string{"extra_headers", "headers"} {
			list := s.table.get(key)
			if list == nil {
				continue
			}
			for _, p := range list.pairs {
				if http.CanonicalHeaderKey(p.key.text) == name {
					return p.value, origin(s, p.key)
				}
			}
		}
	}
	v := e.params.table.get("organization")
	if e.organization != nil {
		v = e.organization
	}
	return v, origin(e.params, v)
}
