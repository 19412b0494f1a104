package config

import (
	"maps"
	"net/url"
	"strings"
)

// store writes where nodes share usage.
func (c *converter) store(router section) {
	st := c.file.Store
	if st.URL == "" && st.Missing == "" {
		if st.TTL != 0 {
			c.note(router, "routing_strategy_args", "ttl is of a store, and there is none")
		}
		return
	}
	s, prefix := router, "redis_"
	if !router.hasRedis(prefix) {
		settings := c.section("litellm_settings")
		s, prefix = settings, ""
		if params, ok := settings.within("cache_params"); ok {
			s = params
		}
		if s.table.get("url").absent() && !s.table.get("redis_url").absent() {
			s = s.renamed("redis_url", "url")
		}
		if !s.hasRedis("") {
			s = c.reader.redisFromEnv(s)
		}
	}
	c.line(0, "store:", "", "")
	address, from := c.storeURL(s, prefix)
	c.line(1, "url:", address, from)
	if st.Namespace != "" {
		place := s
		if prefix != "" {
			place, _ = router.within("cache_kwargs")
		}
		v := place.table.get("namespace")
		c.line(1, "namespace:", c.text(v, st.Namespace), origin(place, v))
	}
	if st.Mode != "" {
		c.line(1, "mode:", st.Mode, "")
	}
	if st.KeyFormat != "" {
		c.line(1, "key_format:", st.KeyFormat, "")
	}
	if st.TTL != 0 {
		args, _ := router.within("routing_strategy_args")
		c.line(1, "ttl:", st.TTL.String(), origin(args, args.table.get("ttl")))
	}
}

// note writes a comment about a setting.
func (c *converter) note(s section, key, text string) {
	if v := s.table.get(key); !v.absent() {
		c.out.WriteString("# " + origin(s, v) + ": " + s.path + key + ": " + text + "\n")
	}
}

// storeURL writes the address of the store and says where it comes from. The password
// is a variable's, which a server is asked with by password_env.
func (c *converter) storeURL(s section, prefix string) (text, from string) {
	get := func(key string) *value { return s.table.get(prefix + key) }
	if v := get("url"); !v.absent() || v != nil && v.unset {
		if v.env != "" {
			return c.variable(v.env, v), origin(s, v)
		}
		u, _ := parseAddress(v.text)
		c.withoutPassword(u, nil, origin(s, v))
		return quoted(u.String()), origin(s, v)
	}
	host := get("host")
	if host == nil || host.absent() && !host.unset { // lists of servers
		u, err := url.Parse(string(c.file.Store.URL))
		if err != nil || c.file.Store.Missing != "" {
			return c.secret("valkey://127.0.0.1:6379", "STORE_URL", origin(s, s.table)+" the address of the store"), origin(s, s.table)
		}
		c.withoutPassword(u, get("password"), origin(s, s.table))
		if c.file.Mask(u.String()) != u.String() {
			return c.secret(u.String(), "STORE_URL", origin(s, s.table)+" the address of the store"), origin(s, s.table)
		}
		return quoted(u.String()), origin(s, s.table)
	}
	part := func(v *value, otherwise string) string {
		switch {
		case v == nil || v.absent() && !v.unset:
			return otherwise
		case v.env != "" && variableName.MatchString(v.env):
			c.variable(v.env, v)
			return "${" + v.env + "}"
		}
		return v.text
	}
	scheme := "valkey"
	if strings.HasPrefix(string(c.file.Store.URL), "valkeys:") {
		scheme = "valkeys"
	}
	user := part(get("username"), "")
	if v := get("username"); v != nil && v.env == "" {
		user = url.User(user).String()
	}
	query := url.Values{}
	if v := get("password"); v != nil && v.env != "" && variableName.MatchString(v.env) {
		c.variable(v.env, v)
		query.Set("password_env", v.env)
	} else if !v.absent() {
		query.Set("password_env", c.secretName(v.text, "STORE_PASSWORD", origin(s, v)+" "+prefix+"password"))
	}
	address := scheme + "://"
	if user != "" {
		address += user + "@"
	}
	if h := part(host, ""); strings.Contains(h, ":") && !strings.HasPrefix(h, "$") {
		address += "[" + h + "]"
	} else {
		address += h
	}
	address += ":" + part(get("port"), "6379")
	if v := get("db"); v != nil && v.text != "0" {
		if db := part(v, ""); db != "" {
			address += "/" + db
		}
	}
	if u, err := url.Parse(string(c.file.Store.URL)); err == nil {
		maps.Copy(query, u.Query())
	}
	if len(query) > 0 {
		address += "?" + query.Encode()
	}
	return quoted(address), origin(s, host)
}

// withoutPassword puts a variable in place of the password of an address.
func (c *converter) withoutPassword(u *url.URL, from *value, where string) {
	password, ok := u.User.Password()
	if !ok {
		return
	}
	name := ""
	if from != nil && from.env != "" && variableName.MatchString(from.env) {
		name = from.env
		c.variable(name, from)
	} else {
		name = c.secretName(password, "STORE_PASSWORD", where+" the password of the store")
	}
	query := u.Query()
	query.Set("password_env", name)
	u.RawQuery = query.Encode()
	u.User = url.User(u.User.Username())
	if u.User.Username() == "" {
		u.User = nil
	}
}
