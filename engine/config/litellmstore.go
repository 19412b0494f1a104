package config

import (
	"net"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// store finds the Redis that LiteLLM's router would use: that of
// router_settings, else that of the cache.
func (r *liteLLM) store(router section) Store {
	var st Store
	if router.hasRedis("redis_") {
		if name := router.unsetOf("redis_"); name != "" {
			return Store{Missing: name}
		}
		st = router.redis("redis_")
		if args, ok := router.within("cache_kwargs"); ok {
			st.Namespace = args.namespace()
		}
		return st
	}
	settings, ok := r.within("litellm_settings")
	if !ok || !settings.flag("cache") {
		return st
	}
	params, ok := settings.within("cache_params")
	if !ok {
		params = r.over(&value{kind: table, line: settings.table.get("cache").line}, settings.path+"cache_params.")
	}
	kind := params.text("type", "redis")
	if kind != "" && kind != "redis" && kind != "redis-semantic" {
		return st // a cache that is not shared in a way that could carry usage
	}
	if params.table.get("url").absent() && !params.table.get("redis_url").absent() {
		params = params.renamed("redis_url", "url")
	}
	if !params.hasRedis("") {
		params = r.redisFromEnv(params)
	}
	if params.hasRedis("") {
		if name := params.unsetOf(""); name != "" {
			return Store{Missing: name}
		}
		st = params.redis("")
		st.Namespace = params.namespace()
	} else {
		r.warnf(params.table.line, settings.path+"cache", "names no host, and neither REDIS_URL nor REDIS_HOST is set; usage is not shared")
	}
	return st
}

// unsetOf returns the first variable without a value that a server's address is made
// of, with a warning; "" if there is none.
func (s section) unsetOf(prefix string) string {
	keys := []string{"url", "host", "port", "username", "password", "db", "ssl"}
	if !s.table.get(prefix + "url").absent() {
		keys = nil // it is the whole address
	}
	for _, key := range keys {
		if v := s.table.get(prefix + key); v != nil && v.unset {
			s.warnf(v.line, s.path+prefix+key, "the environment variable %s is not set: serve needs it for the store, unless --sync names one", showName(v.env))
			return v.env
		}
	}
	return ""
}

// hasRedis reports whether a section names a server.
func (s section) hasRedis(prefix string) bool {
	for _, key := range []string{prefix + "url", prefix + "host", "redis_startup_nodes", "startup_nodes", "sentinel_nodes"} {
		if v := s.table.get(key); !v.absent() {
			return true
		}
	}
	return false
}

// renamed returns the section with one key under another name.
func (s section) renamed(from, to string) section {
	t := *s.table
	t.pairs = append(slices.Clip(t.pairs), pair{&value{kind: text, text: to, line: t.line}, t.get(from)})
	s.table = &t
	return s
}

// redisFromEnv adds what LiteLLM reads from the environment when a cache is
// switched on and nothing else is said.
func (r *liteLLM) redisFromEnv(s section) section {
	t := *s.table
	t.pairs = slices.Clip(t.pairs)
	for _, key := range []string{"url", "host", "port", "password", "username"} {
		name := "REDIS_" + strings.ToUpper(key)
		env, ok := r.options.LookupEnv(name)
		if !ok || env == "" || !t.get(key).absent() {
			continue
		}
		r.secrets.addEnv(env, name)
		r.secrets.addURL(env)
		t.pairs = append(t.pairs, pair{&value{kind: text, text: key, line: t.line}, &value{kind: text, text: env, line: t.line, env: name}})
	}
	s.table = &t
	return s
}

// redis reads an address from keys such as redis_host, or host.
func (s section) redis(prefix string) Store {
	var st Store
	get := func(key string) *value { return s.table.get(prefix + key) }
	if v := get("url"); !v.absent() {
		const want = "an address such as redis://:password@host:6379/0, or rediss:// for TLS"
		u, ok := parseAddress(s.text(prefix+"url", want))
		if !ok {
			s.errorf(v.line, s.path+prefix+"url", "is not an address that can be used; want %s", want)
		}
		st.setURL(u, v)
		return st
	}
	u := url.URL{Scheme: "valkey"}
	if v := s.table.get("ssl"); s.flag(prefix+"ssl") || prefix != "" && !v.absent() && s.flag("ssl") {
		u.Scheme = "valkeys"
	}
	from := []*value{get("host"), get("port"), get("db"), get("username")}
	query := url.Values{}
	for i, h := range s.hosts(prefix, &from) { // none if there are errors
		if i == 0 {
			u.Host = h
		} else {
			query.Add("addr", h)
		}
	}
	if name := s.text("service_name", "the name that sentinels know the primary by"); name != "" {
		query.Set("master_set", name)
		from = append(from, s.table.get("service_name"))
	}
	if v := s.table.get("sentinel_password"); v != nil && v.env != "" && !v.unset {
		query.Set("sentinel_password_env", v.env)
	} else if !v.absent() {
		s.warnf(v.line, s.path+"sentinel_password", "is read from a variable that is set (os.environ/NAME) and nowhere else; the sentinels are asked without a password")
	}
	if !s.table.get("redis_startup_nodes").absent() || !s.table.get("startup_nodes").absent() {
		query.Set("cluster", "true")
	}
	u.RawQuery = query.Encode()
	user, password := s.scalarText(prefix+"username"), s.scalarText(prefix+"password")
	switch {
	case password != "":
		u.User = url.UserPassword(user, password)
	case user != "":
		u.User = url.User(user)
	}
	if db := s.number(prefix+"db", 0); db > 0 {
		u.Path = "/" + strconv.FormatInt(db, 10)
	}
	st.setURL(&u, from...)
	return st
}

// hosts returns the servers that a section names, as host:port.
func (s section) hosts(prefix string, from *[]*value) []string {
	if !s.table.get(prefix + "host").absent() {
		host, port := s.hostName(prefix+"host"), s.number(prefix+"port", 6379)
		return []string{net.JoinHostPort(host, strconv.FormatInt(port, 10))}
	}
	var out []string
	for _, key := range []string{"redis_startup_nodes", "startup_nodes", "sentinel_nodes"} {
		nodes := s.table.get(key)
		if nodes.absent() {
			continue
		}
		for _, n := range nodes.items {
			host, port := n.get("host"), n.get("port")
			if n.kind == list && len(n.items) == 2 {
				host, port = n.items[0], n.items[1]
			}
			*from = append(*from, host, port)
			number := asNumber(port)
			if host.absent() || host.kind != text || !isHost(strings.TrimSpace(host.text)) || number < 0 {
				s.wrong(key, n, "a host and a port")
				return nil
			}
			out = append(out, net.JoinHostPort(strings.TrimSpace(host.text), strconv.FormatInt(number, 10)))
		}
		if len(out) == 0 {
			s.wrong(key, nodes, "a list of hosts and ports")
		}
		return out
	}
	return nil
}

// hostName returns the name of a host, without the white space around it; "" if it is none.
func (s section) hostName(key string) string {
	const want = "the name of a host alone, such as redis.internal: the port has a key of its own, and an address such as redis://host:6379 belongs into url"
	host := strings.TrimSpace(s.text(key, "the name of a host"))
	if host != "" && !isHost(host) {
		s.wrong(key, s.table.get(key), want)
		return ""
	}
	return host
}

// isHost reports whether a text can be the name or the address of a host, or what stands in
// the place of one, such as <your redis host>.
func isHost(text string) bool {
	if net.ParseIP(text) != nil {
		return true
	}
	return text != "" && !strings.ContainsAny(text, `:/@"'`)
}

// number returns a whole number, which may be quoted, or the default.
func (s section) number(key string, otherwise int64) int64 {
	v := s.table.get(key)
	if v.absent() {
		return otherwise
	}
	n := asNumber(v)
	if n < 0 {
		s.wrong(key, v, "a whole number from 0 to 65535")
		return otherwise
	}
	return n
}

// asNumber returns a number from 0 to 65535, -1 if the value is none.
func asNumber(v *value) int64 {
	if v.absent() {
		return -1
	}
	if n, ok := parsePython(v.text); ok && v.kind == text {
		v = n
	}
	if n, ok := v.whole(); ok && n >= 0 && n <= 65535 {
		return n
	}
	return -1
}

// scalarText returns a text, or a number that was meant as one, without the end of a line
// that a variable's value may have. Its errors leave the value out, because it reads secrets.
func (s section) scalarText(key string) string {
	v := s.table.get(key)
	switch {
	case v.absent():
		return ""
	case v.kind == text && v.env != "":
		return strings.TrimRight(v.text, "\r\n")
	case v.kind == text, v.kind == integer:
		return v.text
	case v.unset:
		s.errorf(v.line, s.path+key, "%s; set it", s.found(v))
	default:
		s.errorf(v.line, s.path+key, "is %s; want a text; quote it", v.kind)
	}
	return ""
}
