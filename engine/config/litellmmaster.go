package config

import "strings"

// masterKeyName is the variable that holds the master key of a file without one.
const masterKeyName = "LITELLM_MASTER_KEY"

// quotedKeyText warns of quotation marks around a key of the environment.
const quotedKeyText = "the value of the environment variable %s stands in quotation marks, which are part of the key: docker run --env-file keeps them"

// masterKey returns the key that LiteLLM asks callers for: that of general_settings, else
// that of the environment. The white space around it is no part of it.
func (r *liteLLM) masterKey(general section) Credential {
	v := general.table.get("master_key")
	switch {
	case v == nil:
		env, _ := r.options.LookupEnv(masterKeyName)
		if env = strings.TrimSpace(env); env == "" {
			return Credential{}
		}
		r.secrets.addEnv(env, masterKeyName)
		if inQuotes(env) {
			r.warnf(0, "", quotedKeyText, masterKeyName)
		}
		r.notef(0, "", "the master key is that of the environment variable %s, as in LiteLLM: general_settings has no master_key", masterKeyName)
		return Credential{literal: &env}
	case v.unset:
		r.warnf(v.line, "general_settings.master_key", "the environment variable %s is not set: serve asks callers for no key until it is", showName(v.env))
		return Credential{}
	case v.kind == text && strings.TrimSpace(v.text) == "":
		what := "is"
		if v.env != "" {
			what = "the environment variable " + showName(v.env) + " is"
		}
		r.warnf(v.line, "general_settings.master_key", "%s empty: serve asks callers for no key", what)
		return Credential{}
	case v.off():
		return Credential{}
	default:
		key := strings.TrimSpace(v.text)
		r.secrets.add(key)
		if v.env != "" && inQuotes(key) {
			r.warnf(v.line, "general_settings.master_key", quotedKeyText, showName(v.env))
		}
		return Credential{literal: &key}
	}
}
