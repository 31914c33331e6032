// What the report draws with: the parts of Apache ECharts that it uses, under one name. `build` bundles it.
import * as core from "echarts/core";
import { BarChart, CustomChart, HeatmapChart, LineChart, ScatterChart, TreeChart } from "echarts/charts";
import { AriaComponent, DataZoomComponent, GridComponent, LegendComponent, TooltipComponent, VisualMapComponent } from "echarts/components";
import { CanvasRenderer } from "echarts/renderers";
core.use([AriaComponent, BarChart, CanvasRenderer, CustomChart, DataZoomComponent, GridComponent, HeatmapChart, LegendComponent, LineChart, ScatterChart, TooltipComponent, TreeChart, VisualMapComponent]);
globalThis.echarts = { init: core.init, version: core.version };
