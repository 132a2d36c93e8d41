#include "db/report/report.hpp"

namespace cellrig::db {

std::string_view report_style() {
  return R"css(
:root{--ink:#16202e;--soft:#55627a;--line:#d7dde6;--wash:#f4f6f9;--blue:#1f4e9c;--good:#0b6e4f;--bad:#b3261e;--warn:#8a5a00}
*{box-sizing:border-box}
html{-webkit-print-color-adjust:exact;print-color-adjust:exact}
body{margin:0;background:#eceff4;color:var(--ink);font:14px/1.5 "Segoe UI","Helvetica Neue",Arial,"Liberation Sans","DejaVu Sans",sans-serif}
main{max-width:1080px;margin:24px auto;background:#fff;padding:40px 48px 32px;border:1px solid var(--line);border-radius:6px}
header{border-bottom:3px solid var(--blue);padding-bottom:18px;margin-bottom:22px}
.brand{display:flex;justify-content:space-between;color:var(--soft);font-size:12px;letter-spacing:.08em;text-transform:uppercase}
h1{font-size:27px;line-height:1.2;margin:10px 0 4px;font-weight:650}
h2{font-size:17px;margin:34px 0 10px;padding-bottom:5px;border-bottom:1px solid var(--line);font-weight:650}
h3{font-size:14px;margin:22px 0 6px;font-weight:650}
p{margin:6px 0}
.subtitle{color:var(--soft);font-size:15px}
.badges{margin-top:12px}
.badge{display:inline-block;padding:2px 10px;margin-right:6px;border-radius:11px;font-size:12px;font-weight:650;letter-spacing:.03em;border:1px solid currentColor}
.good{color:var(--good);background:#e8f5ef}.bad{color:var(--bad);background:#fdecea}.warn{color:var(--warn);background:#fff5dc}.plain{color:var(--soft);background:var(--wash)}
.tiles{display:grid;grid-template-columns:repeat(auto-fill,minmax(150px,1fr));gap:10px;margin:18px 0 6px}
.tile{border:1px solid var(--line);border-radius:5px;padding:10px 12px;background:var(--wash)}
.tile b{display:block;font-size:20px;line-height:1.25;font-weight:650;font-variant-numeric:tabular-nums;white-space:nowrap}
.tile span{color:var(--soft);font-size:12px;line-height:1.3;display:block}
.columns{display:grid;grid-template-columns:1fr 1fr;gap:0 36px}
dl{display:grid;grid-template-columns:max-content 1fr;gap:3px 16px;margin:8px 0}
dt{color:var(--soft)}dd{margin:0;overflow-wrap:anywhere}
table{border-collapse:collapse;width:100%;font-size:12.5px;margin:8px 0;font-variant-numeric:tabular-nums}
th{text-align:left;color:var(--soft);font-weight:600;border-bottom:1.5px solid var(--ink);padding:4px 8px;vertical-align:bottom}
td{border-bottom:1px solid var(--line);padding:3px 8px;vertical-align:top}
.n{text-align:right;white-space:nowrap}
tbody tr:nth-child(even) td{background:#fafbfd}
.note{color:var(--soft);font-size:12.5px}
.hash{font-family:"SFMono-Regular",Consolas,"Liberation Mono","DejaVu Sans Mono",monospace;font-size:11.5px;overflow-wrap:anywhere}
.notice{border-left:4px solid var(--warn);background:#fff9ea;padding:8px 14px;margin:14px 0}
.verdict{border:2px solid currentColor;border-radius:6px;padding:12px 18px;margin:16px 0;font-size:24px;font-weight:700}
pre{background:var(--wash);border:1px solid var(--line);border-radius:4px;padding:8px 12px;font-size:11.5px;line-height:1.4;white-space:pre-wrap;margin:8px 0}
.pair{display:grid;grid-template-columns:1fr 1fr;gap:12px}
svg.chart{width:100%;height:auto;display:block;margin:8px 0}
svg text{font-family:inherit;fill:#16202e;font-size:11.5px}
svg .tick{fill:#55627a;font-size:11px}svg line.tick{stroke:#8a94a6}svg .axis{fill:#55627a;font-size:12px}svg .legend{font-size:12px}svg .none{fill:#8a94a6}
svg .frame{fill:none;stroke:#b8c1ce;stroke-width:1}svg .grid{stroke:#e3e7ee;stroke-width:1}
svg .line{fill:none;stroke-width:1.4;stroke-linejoin:round}
svg line.guide{stroke:#b3261e;stroke-dasharray:4 3;stroke-width:1}svg text.guide{fill:#b3261e;font-size:10.5px}
svg .mark line{stroke:#b3261e;stroke-width:.8;stroke-dasharray:2 3}svg .mark path{fill:#b3261e}
.run{margin-top:26px}
footer{margin-top:34px;padding-top:10px;border-top:1px solid var(--line);color:var(--soft);font-size:12px}
@media screen and (max-width:760px){main{padding:20px}.columns,.pair{grid-template-columns:1fr}}
@page{size:A4;margin:14mm 13mm 15mm}
@media print{
body{background:#fff;font-size:10.5pt}
main{max-width:none;margin:0;padding:0;border:0}
h1{font-size:20pt}h2{font-size:13pt;margin-top:18pt;break-after:avoid}h3{break-after:avoid}
table{font-size:8.5pt}td,th{padding:2px 5px}thead{display:table-header-group}
tr,svg,.tile,.notice,.verdict,dl{break-inside:avoid}
.tiles{grid-template-columns:repeat(4,1fr)}
.run{break-before:page}.run.first{break-before:auto}
footer{font-size:8.5pt}
}
)css";
}

}  // namespace cellrig::db
