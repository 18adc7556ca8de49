// The CSS of reports: light and dark, paper, telephones. Internal to the room.
#pragma once

namespace weir::review {

inline constexpr const char* kReportStyle = R"css(
:root { color-scheme: light dark; --page:#f6f7f9; --card:#fff; --text:#1c2733; --dim:#5b6875; --line:#dde2e8;
  --red:#b3261e; --yellow:#8a5a00; --green:#1b6e3c; --none:#5b6875; --red-soft:#fdecea; --yellow-soft:#fff4dc;
  --green-soft:#e6f4ea; --none-soft:#eceff2; --link:#0b57a4; --code:#f0f2f5; --track:#e9edf1; --amber:#d69600; }
@media (prefers-color-scheme: dark) { :root { --page:#14181d; --card:#1c2229; --text:#e4e9ee; --dim:#9aa7b4;
  --line:#313a44; --red:#ff8a80; --yellow:#f3c14b; --green:#7bd69b; --none:#9aa7b4; --red-soft:#3a2020;
  --yellow-soft:#372c12; --green-soft:#1a3324; --none-soft:#262d35; --link:#83b8f0; --code:#12161b;
  --track:#2a323b; --amber:#f3c14b; } }
* { box-sizing:border-box; }
html { scroll-padding-top:12px; -webkit-text-size-adjust:100%; }
body { margin:0; background:var(--page); color:var(--text); font:15px/1.5 system-ui, sans-serif;
  overflow-wrap:anywhere; border-top:4px solid var(--brand, var(--link)); }
main { max-width:1080px; margin:0 auto; padding:20px 16px 48px; }
h1 { font-size:26px; line-height:1.25; margin:0 0 4px; } h2 { font-size:19px; line-height:1.3; margin:32px 0 8px; }
.card > h2, figure h2 { font-size:17px; margin:0 0 8px; } h3 { font-size:16px; margin:0; }
.part { margin:20px 0 0; } h4 { font-size:16px; margin:0; }
p { margin:6px 0; } a { color:var(--link); } .dim { color:var(--dim); }
a:focus-visible, summary:focus-visible, [tabindex]:focus-visible { outline:2px solid var(--link); outline-offset:2px; }
.brand { display:flex; align-items:center; gap:12px; margin:0 0 16px; font-weight:600; }
.brand img { max-height:44px; max-width:220px; }
.card { background:var(--card); border:1px solid var(--line); border-radius:8px; padding:16px; margin:12px 0; }
.answer { display:flex; flex-wrap:wrap; gap:12px 28px; align-items:center; }
.answer > div:last-child { flex:1 1 300px; }
.verdict { font-size:19px; font-weight:600; line-height:1.35; margin:0; }
.score { font-size:48px; font-weight:650; line-height:1; font-variant-numeric:tabular-nums; }
.score small { font-size:16px; color:var(--dim); font-weight:400; }
.t-red .score { color:var(--red); } .t-yellow .score { color:var(--yellow); } .t-green .score { color:var(--green); }
.chip { display:inline-block; padding:1px 9px; border-radius:10px; font-size:13px; font-weight:600;
  white-space:nowrap; }
.red { color:var(--red); background:var(--red-soft); } .yellow { color:var(--yellow); background:var(--yellow-soft); }
.green { color:var(--green); background:var(--green-soft); } .none { color:var(--none); background:var(--none-soft); }
.bar { display:flex; height:10px; border-radius:5px; overflow:hidden; background:var(--track); margin:12px 0 4px; }
.bar i { display:block; } .b-red { background:var(--red); } .b-yellow { background:var(--amber); }
.b-green { background:var(--green); } .b-none { background:var(--none); opacity:.45; }
.scores { list-style:none; margin:12px 0 0; padding:0; display:grid; gap:0 28px;
  grid-template-columns:repeat(auto-fill, minmax(min(100%, 440px), 1fr)); }
.scores li { display:grid; grid-template-columns:minmax(0, 4fr) minmax(50px, 3fr) 4ch 126px;
  gap:10px; align-items:center; padding:3px 0; font-size:14px; }
.scores .track { height:8px; border-radius:4px; background:var(--track); overflow:hidden; }
.scores .track i { display:block; height:8px; }
.scores b { text-align:right; white-space:nowrap; font-variant-numeric:tabular-nums; }
.figures { display:grid; gap:12px; grid-template-columns:repeat(auto-fit, minmax(min(100%, 320px), 1fr)); }
.figures .card { margin:0; } figure { margin:8px 0; } figcaption { font-size:14px; color:var(--dim); }
svg.chart { display:block; overflow:hidden; font-size:13px; margin-top:4px; } svg.chart text { fill:var(--text); }
svg.chart .dim { fill:var(--dim); font-size:12px; } svg.chart .end { text-anchor:end; }
svg.chart .strong { font-weight:600; } .f-track { fill:var(--track); } .f-red { fill:var(--red); }
.f-yellow { fill:var(--amber); } .f-green { fill:var(--green); } .f-score { fill:var(--link); }
.f-before { fill:var(--none); } .s-grid { stroke:var(--line); } .s-score { stroke:var(--link); stroke-width:2; }
.worst { list-style:none; margin:0; padding:0; } .worst > li { border-top:1px solid var(--line); padding:10px 0; }
.worst > li:first-child { border-top:0; padding-top:0; }
.changes { list-style:none; margin:4px 0 0; padding:0; font-size:14px; } .changes li { padding:3px 0; }
.tally { display:flex; flex-wrap:wrap; gap:4px 18px; margin:0 0 4px; } .tally b { font-variant-numeric:tabular-nums; }
.key { display:inline-block; width:10px; height:10px; border-radius:2px; margin:0 4px 0 12px; }
table { border-collapse:collapse; width:100%; font-size:14px; overflow-wrap:normal; }
th, td { text-align:left; padding:4px 14px 4px 0; vertical-align:top; border-bottom:1px solid var(--line); }
th { color:var(--dim); font-weight:600; } td.n, th.n { text-align:right; font-variant-numeric:tabular-nums; }
.scroll { overflow-x:auto; }
details { margin:8px 0 0; } summary { cursor:pointer; color:var(--dim); } .fine > summary { font-weight:600;
  color:var(--text); }
pre { background:var(--code); border:1px solid var(--line); border-radius:6px; padding:10px; margin:6px 0;
  overflow-x:auto; font-size:13px; white-space:pre-wrap; }
.signal { border-top:1px solid var(--line); padding:10px 0; } .signal:last-child { padding-bottom:0; }
.head { display:flex; flex-wrap:wrap; gap:4px 8px; align-items:baseline; } .effort { font-size:13px;
  color:var(--dim); }
ul { padding-left:20px; margin:6px 0; }
footer { margin-top:32px; font-size:13px; color:var(--dim); }
@media (max-width:600px) { main { padding:16px 12px 40px; } h1 { font-size:22px; } .score { font-size:38px; }
  .card { padding:12px; } .verdict { font-size:17px; }
  .scores li { grid-template-columns:minmax(0, 1fr) 4ch 126px; } .scores .track { display:none; } }
@media print { :root { color-scheme:light; --page:#fff; --card:#fff; --text:#1c2733; --dim:#4c5863; --line:#c9d0d7;
    --red:#b3261e; --yellow:#8a5a00; --green:#1b6e3c; --none:#5b6875; --red-soft:#fdecea; --yellow-soft:#fff4dc;
    --green-soft:#e6f4ea; --none-soft:#eceff2; --link:#0b57a4; --code:#f0f2f5; --track:#e9edf1; --amber:#d69600; }
  * { print-color-adjust:exact; -webkit-print-color-adjust:exact; }
  body { font-size:11pt; border-top:0; } main { max-width:none; padding:0; }
  .signal, .worst > li, figure, tr, .scores li, .answer { break-inside:avoid; }
  h2, h3, h4, .head, summary, thead { break-after:avoid; } .scroll { overflow:visible; }
  table { overflow-wrap:anywhere; font-size:9.5pt; }
  details::details-content { content-visibility:visible; display:block; height:auto; }
  details:not([open]) > :not(summary) { display:block; } summary { list-style:none; } }
)css";

}  // namespace weir::review
