package proxy

// Held returns how many bytes of requests are held.
func (p *Proxy) Held() int64 { return p.held.Load() }
