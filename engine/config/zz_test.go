package config
import ("testing";"strings";"fmt";"time";"runtime";"os";"math/rand")
func TestZ(t *testing.T){
 dep:=func(i int) string { return fmt.Sprintf("- {model_name: g%d, litellm_params: {model: m, api_key: sk-%016x%016x, rpm: %d}}\n",i%100,rand.Uint64(),rand.Uint64(),i+1)}
 var b10,b100 strings.Builder; b10.WriteString("model_list:\n"); b100.WriteString("model_list:\n"); for i:=range 100000 { d:=dep(i); if i<10000{b10.WriteString(d)}; b100.WriteString(d)}
 bomb:="a: &a [x,x,x,x,x,x,x,x,x]\n"; for c:='b';c<'z';c++ { p:=string(c-1); bomb+=fmt.Sprintf("%c: &%c [*%s,*%s,*%s,*%s,*%s,*%s,*%s,*%s,*%s]\n",c,c,p,p,p,p,p,p,p,p,p)}
 var mb strings.Builder; mb.WriteString("base: &b {"); for i:=range 1000{fmt.Fprintf(&mb,"k%d: 1, ",i)}; mb.WriteString("z: 1}\nl:\n"); mb.WriteString(strings.Repeat("- {<<: *b}\n",100000))
 var sec strings.Builder; sec.WriteString("model_list: [{model_name: a, litellm_params: {model: m"); for i:=range 200000 {fmt.Fprintf(&sec,", k%d_key: %016x",i,rand.Uint64())}; sec.WriteString("}}]\n")
 big:="model_list:\n- model_name: x\n  litellm_params: &p\n    model: m\n    x: "+strings.Repeat("y",1<<19)+"\n"; for i:=range 3000 { big+=fmt.Sprintf("- model_name: x%d\n  litellm_params: *p\n",i)}
 var unk strings.Builder; unk.WriteString("deployments: [{id: a, group: b}]\n"); for i:=range 500000{fmt.Fprintf(&unk,"deploymnt%d: 1\n",i)}
 var unkp strings.Builder; unkp.WriteString("model_list: [{model_name: a, litellm_params: {model: m"); for i:=range 400000 {fmt.Fprintf(&unkp,", rpm%d: 1",i)}; unkp.WriteString("}}]\n")
 cases:=[]struct{n,s string}{{"10k",b10.String()},{"100k",b100.String()},{"bomb",bomb},{"mergebomb",mb.String()},{"secrets",sec.String()},{"bighash",big},{"unknown",unk.String()},{"unkparams",unkp.String()},
 {"flow","["+strings.Repeat("a,",700000)+"]"},{"flow2","["+strings.Repeat("a,",8<<20)+"]"},{"comments",strings.Repeat("# a\n",1400000)+"a: 1"},{"1line","a: "+strings.Repeat("x",MaxBytes-3)},{"deep",strings.Repeat("[",1400000)},{"deepjson",strings.Repeat("[",1400000)},{"cyc","a: &a [*a]"},{"cmt2",strings.Repeat("- a # x\n# y\n\n# z\n",300000)},{"digits","a: "+strings.Repeat("9",MaxBytes-3)},{"dash",strings.Repeat("-1",8<<20)},{"secretlong","api_key: "+strings.Repeat("9a",8<<20-5)},{"docs",strings.Repeat("---\na\n",500000)}}
 for _,c:=range cases { nm:="f.yaml"; if c.n=="deepjson"{nm="f.json"}; runtime.GC(); done:=make(chan bool); peak:=make(chan uint64)
  go func(){var m runtime.MemStats; var p uint64; for{ select{case <-done: peak<-p; return; case <-time.After(5*time.Millisecond): runtime.ReadMemStats(&m); p=max(p,m.HeapAlloc)}}}()
  t0:=time.Now(); f,err:=Parse(nm,[]byte(c.s),Options{LookupEnv:os.LookupEnv}); d:=time.Since(t0); close(done); p:=<-peak
  e:=""; if err!=nil{e=err.Error()} else {e=fmt.Sprint("OK ",len(f.Engine.Deployments)," warn ",len(f.Warnings))}
  t.Logf("%-10s %5.1fMB %7.0fms peak %4dMB %.200s",c.n,float64(len(c.s))/1e6,float64(d.Milliseconds()),p>>20,e)}
}
