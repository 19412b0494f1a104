package config
import ("testing";"encoding/json";"os")
func TestZ(t *testing.T){ for _,f:=range []string{"testdata/ids.json","/tmp/bigid.json"} {
 var v [][2]string; b,_:=os.ReadFile(f); if err:=json.Unmarshal(b,&v);err!=nil{t.Fatal(err)}
 bad:=0
 for _,x:=range v { 
  fs:=&findings{}; sc:=&secrets{}
  data,_,err:=clean([]byte(x[0])); if err!=nil{t.Errorf("clean %q %v",x[0],err); continue}
  n,_,err:=parseYAML(data); if err!=nil { bad++; if bad<20{t.Errorf("%q: %v",x[0],err)}; continue}
  y:=newYAMLBuilder(builder{findings:fs,secrets:sc,lookupEnv:os.LookupEnv,lastWins:true},n)
  r:=y.value(n,1,false).value
  id,_,err:=generatedID(r.get("model_name"),r.get("litellm_params"))
  if err!=nil||id!=x[1]||len(fs.errors)>0 { bad++; if bad<20 {var w writer; w.str(r.get("litellm_params")); t.Errorf("%q: %v %v %s",x[0],err,fs.errors,w.String())} } } 
 t.Log(f,len(v),bad)}}
