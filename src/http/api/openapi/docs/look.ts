/** The style and the search of the page. Without the script the browser's own search finds all text. */
export const STYLE = `:root{color-scheme:light dark;--line:#d5d5da;--soft:#f4f4f6;--dim:#5c5c66;
--link:#0757c2}
@media(prefers-color-scheme:dark){:root{--line:#3d3d44;--soft:#232327;--dim:#a2a2ad;--link:#8ab8ff}
body{background:#17171a;color:#dedee3}}
*{box-sizing:border-box}[hidden]{display:none!important}
body{font:16px/1.5 system-ui,sans-serif;margin:0 auto;max-width:82rem;padding:0 1rem;overflow-wrap:anywhere}
a{color:var(--link)}h2{scroll-margin-top:1rem}details{position:relative}details>a{position:absolute;top:0}
details>a,main{scroll-margin-top:.5rem}h2{margin:2.5rem 0 .5rem}h3{margin:1.75rem 0 .25rem}
h4{margin:1.25rem 0 .25rem}
nav{font-size:.875rem;max-height:40vh;overflow:auto;border:1px solid var(--line);border-radius:6px;
padding:.75rem}
nav a{display:block;text-decoration:none;padding:.1rem 0}nav b{display:block}nav div{margin-top:.75rem}
nav div:not(:has(a:not([hidden]))){display:none}
nav i,summary i{font:600 .75rem ui-monospace,monospace;color:var(--dim)}
nav i{display:inline-block;width:4.2em;white-space:nowrap}nav input{margin-bottom:.5rem}
input{font:inherit;width:100%;padding:.4rem .6rem;border:1px solid var(--line);border-radius:6px;
background:none;color:inherit}
details{border:1px solid var(--line);border-radius:6px;margin:.5rem 0;padding:.5rem .75rem}
summary{cursor:pointer;padding-right:1.5rem}summary a{position:absolute;top:.5rem;right:.75rem;
text-decoration:none}
pre{background:var(--soft);padding:.75rem;overflow:auto;border-radius:6px;font:.85rem/1.45 ui-monospace,
monospace;overflow-wrap:normal}
code{font:.875em ui-monospace,monospace;background:var(--soft);border-radius:3px;padding:0 .2em}
small,td+td{color:var(--dim)}small{display:block}summary small{display:inline}
table{width:100%;border-collapse:collapse;font-size:.9rem}
th,td{text-align:left;vertical-align:top;padding:.3rem .6rem .3rem 0;border-top:1px solid var(--line);
font-weight:400}
th{width:30%}td:nth-child(2){width:22%}td b{font-size:.75rem;font-weight:600;color:#b3420a}
@media(prefers-color-scheme:dark){td b{color:#ffa36b}}
body:has(.part[hidden]) section:not(.part,:has(.part:not([hidden]))){display:none}
.skip{position:absolute;left:-99rem}.skip:focus{left:1rem;top:.5rem;z-index:1;padding:.5rem;
background:Canvas}
@media(max-width:40rem){tr{display:block;border-top:1px solid var(--line);padding:.3rem 0}
th,td,td:nth-child(2){display:block;width:auto;border:0;padding:0}td:empty{display:none}}
@media(min-width:64rem){body{display:grid;grid-template-columns:17rem minmax(0,1fr);gap:2.5rem}
nav{position:sticky;top:0;height:100vh;max-height:none;border:0;padding:1rem 0}}`

export const SCRIPT = `const box=document.getElementById('search'),
shown=[...document.querySelectorAll('.part')].map(e=>({e,text:e.textContent.toLowerCase(),
link:document.querySelector('nav a[href="#'+e.dataset.name+'"]')}))
box.hidden=false
box.oninput=()=>{const words=box.value.toLowerCase().split(/\\s+/);let any;for(const {e,text,
link} of shown){const hide=!words.every(w=>text.includes(w));e.hidden=hide;any||=!hide;
if(link)link.hidden=hide}document.getElementById('found').textContent=any?'':'Nothing found.'}
const reveal=()=>{const e=document.getElementById(decodeURIComponent(location.hash.slice(1))),
d=e?.closest('.part');if(d){d.hidden=false;d.open=true}else if(!e?.getClientRects().length){box.value='';
box.oninput()}e?.scrollIntoView()}
addEventListener('hashchange',reveal);reveal()`
