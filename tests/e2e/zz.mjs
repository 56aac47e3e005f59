import { chromium } from "playwright-core";
const base="http://127.0.0.1:18123";
const b=await chromium.launch({executablePath:"/usr/bin/chromium",args:["--no-sandbox"]});
async function as(name){const c=await b.newContext({locale:"zh-CN"});const p=await c.newPage();await p.goto(base+"/sign-in");await p.fill("[name=name]",name);await p.fill("[name=password]","jishan-demo");await p.click("main button");await p.waitForLoadState();return p;}
const sizes=[[360,780],[1280,900]];
const p=await as(process.argv[2]);
for(const spec of process.argv.slice(3)){const [path,name]=spec.split("=");for(const [w,h] of sizes){await p.setViewportSize({width:w,height:h});const r=await p.goto(base+path);await p.screenshot({path:`/tmp/s3/${name}-${w}.png`,fullPage:true});if(w===360)console.log(name,r.status(), await p.evaluate(()=>document.documentElement.scrollWidth));}}
await b.close();
