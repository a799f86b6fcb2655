// WebGL2: every atom is a square that faces the viewer and is shaded as a sphere with its depth, all in one call;
// bonds, arrows, lines and the edges of the cell are ribbons shaded as cylinders and cones, in another.

const COMMON = `#version 300 es
precision highp float;
precision highp int;
`;
// What both vertex shaders share: the projection and the slice.
const PROJECTION = `
uniform mat3 rotation;
uniform vec3 middle;
uniform vec2 scale;
uniform vec2 pan;
uniform float reach;
uniform vec3 slice_normal;
uniform vec2 slice_range;
vec4 projected(vec3 seen) { return vec4(seen.xy * scale + pan, -seen.z / reach, 1.0); }
bool sliced_away(vec3 point) {
  float along = dot(point, slice_normal);
  return along < slice_range.x || along > slice_range.y;
}
`;
const LIGHT = `
uniform float reach;
vec3 lit(vec3 color, vec3 normal, float towards) {
  const vec3 light = vec3(-0.36, 0.53, 0.77);
  float diffuse = max(dot(normal, light), 0.0);
  vec3 shaded = color * (0.42 + 0.62 * diffuse) + vec3(0.16 * pow(max(dot(reflect(-light, normal), vec3(0.0, 0.0, 1.0)), 0.0), 24.0));
  // What lies behind fades a little into the background.
  return mix(shaded, vec3(0.957, 0.965, 0.973), 0.42 * smoothstep(0.35, -1.0, towards / reach));
}
float depth_of(float towards) { return 0.5 - 0.5 * towards / reach; }
`;
const ATOM_VERTEX = COMMON + PROJECTION + `
layout(location = 0) in vec2 corner;
layout(location = 1) in vec3 position;
layout(location = 2) in float radius;
layout(location = 3) in vec4 color;
layout(location = 4) in vec3 to_saddle;
layout(location = 5) in vec3 to_end;
uniform vec2 path;
uniform float size;
out vec2 v_corner;
out vec3 v_color;
flat out float v_radius;
flat out float v_towards;
void main() {
  vec3 at = position + path.x * to_saddle + path.y * to_end;
  // The fourth part of a color says whether the atom is a sphere, a dot, or not there.
  float shown = color.a < 0.25 ? 0.0 : color.a < 0.75 ? min(0.14, size) : size;
  vec3 seen = rotation * (at - middle);
  v_corner = corner;
  v_color = color.rgb;
  v_radius = radius * shown;
  v_towards = seen.z;
  gl_Position = projected(seen + vec3(corner * v_radius, 0.0));
  if (shown == 0.0 || sliced_away(at)) gl_Position = vec4(2.0, 2.0, 2.0, 1.0);
}`;
const ATOM_FRAGMENT = COMMON + LIGHT + `
in vec2 v_corner;
in vec3 v_color;
flat in float v_radius;
flat in float v_towards;
out vec4 fragment;
void main() {
  float squared = dot(v_corner, v_corner);
  if (squared > 1.0) discard;
  vec3 normal = vec3(v_corner, sqrt(1.0 - squared));
  float towards = v_towards + v_radius * normal.z;
  // A dark rim tells neighbors apart.
  vec3 color = v_color * (1.0 - 0.45 * smoothstep(0.72, 1.0, squared));
  fragment = vec4(lit(color, normal, towards), 1.0);
  gl_FragDepth = depth_of(towards);
}`;
const RIBBON_VERTEX = COMMON + PROJECTION + `
layout(location = 0) in vec2 corner;
layout(location = 1) in vec3 start;
layout(location = 2) in vec3 along;
layout(location = 3) in vec2 radii;
layout(location = 4) in vec4 color;
uniform float pixel;
out float v_across;
out vec3 v_color;
out vec3 v_side;
out float v_towards;
out float v_radius;
void main() {
  vec3 from = rotation * (start - middle);
  vec3 to = rotation * (start + along - middle);
  vec2 way = to.xy - from.xy;
  float length_seen = length(way);
  vec2 side = length_seen > 1e-6 ? vec2(-way.y, way.x) / length_seen : vec2(1.0, 0.0);
  float end = 0.5 * (corner.x + 1.0);
  float radius = mix(radii.x, radii.y, end);
  // Negative radii are in pixels.
  if (radius < 0.0) radius *= -pixel;
  vec3 seen = mix(from, to, end) + vec3(side * corner.y * radius, 0.0);
  v_across = corner.y;
  v_color = color.rgb;
  v_side = vec3(side, 0.0);
  v_towards = seen.z;
  v_radius = radius;
  gl_Position = projected(seen);
  // The edges of the cell are never sliced.
  if (color.a > 0.5 && sliced_away(start)) gl_Position = vec4(2.0, 2.0, 2.0, 1.0);
}`;
const RIBBON_FRAGMENT = COMMON + LIGHT + `
in float v_across;
in vec3 v_color;
in vec3 v_side;
in float v_towards;
in float v_radius;
out vec4 fragment;
void main() {
  float across = clamp(v_across, -1.0, 1.0);
  vec3 normal = v_side * across + vec3(0.0, 0.0, sqrt(1.0 - across * across));
  float towards = v_towards + v_radius * normal.z;
  fragment = vec4(lit(v_color, normal, towards), 1.0);
  gl_FragDepth = depth_of(towards);
}`;

const programOf = (gl, vertex, fragment) => {
  const program = gl.createProgram();
  for (const [kind, source] of [[gl.VERTEX_SHADER, vertex], [gl.FRAGMENT_SHADER, fragment]]) {
    const shader = gl.createShader(kind);
    gl.shaderSource(shader, source);
    gl.compileShader(shader);
    if (!gl.getShaderParameter(shader, gl.COMPILE_STATUS)) throw new Error(gl.getShaderInfoLog(shader));
    gl.attachShader(program, shader);
  }
  gl.linkProgram(program);
  if (!gl.getProgramParameter(program, gl.LINK_STATUS)) throw new Error(gl.getProgramInfoLog(program));
  const uniforms = {};
  const count = gl.getProgramParameter(program, gl.ACTIVE_UNIFORMS);
  for (let k = 0; k < count; k++) {
    const { name } = gl.getActiveUniform(program, k);
    uniforms[name] = gl.getUniformLocation(program, name);
  }
  return { program, uniforms };
};

// Numbers of which each instance of a shape takes the next `size`.
class InstanceBuffer {
  constructor(gl, location, size, type = gl.FLOAT) {
    Object.assign(this, { gl, buffer: gl.createBuffer() });
    gl.bindBuffer(gl.ARRAY_BUFFER, this.buffer);
    gl.enableVertexAttribArray(location);
    gl.vertexAttribPointer(location, size, type, type === gl.UNSIGNED_BYTE, 0, 0);
    gl.vertexAttribDivisor(location, 1);
  }

  fill(values) {
    this.gl.bindBuffer(this.gl.ARRAY_BUFFER, this.buffer);
    this.gl.bufferData(this.gl.ARRAY_BUFFER, values, this.gl.DYNAMIC_DRAW);
  }
}

class Drawing {
  // Throws where the browser draws no WebGL2.
  constructor(canvas) {
    // Spheres cut their own edges: smoothing them costs much and shows little where pixels are small.
    const antialias = (window.devicePixelRatio || 1) < 1.5;
    const gl = canvas.getContext("webgl2", { antialias, alpha: false, preserveDrawingBuffer: true });
    if (!gl) throw new Error("no WebGL2");
    this.gl = gl;
    const corners = gl.createBuffer();
    gl.bindBuffer(gl.ARRAY_BUFFER, corners);
    gl.bufferData(gl.ARRAY_BUFFER, new Float32Array([-1, -1, 1, -1, -1, 1, 1, 1]), gl.STATIC_DRAW);
    const shape = (vertex, fragment, sizes) => {
      const made = { ...programOf(gl, vertex, fragment), array: gl.createVertexArray(), count: 0 };
      gl.bindVertexArray(made.array);
      gl.bindBuffer(gl.ARRAY_BUFFER, corners);
      gl.enableVertexAttribArray(0);
      gl.vertexAttribPointer(0, 2, gl.FLOAT, false, 0, 0);
      made.buffers = sizes.map(([size, type], k) => new InstanceBuffer(gl, k + 1, size, type));
      return made;
    };
    this.atoms = shape(ATOM_VERTEX, ATOM_FRAGMENT, [[3], [1], [4, gl.UNSIGNED_BYTE], [3], [3]]);
    this.ribbons = shape(RIBBON_VERTEX, RIBBON_FRAGMENT, [[3], [3], [2], [4, gl.UNSIGNED_BYTE]]);
    gl.enable(gl.DEPTH_TEST);
    gl.clearColor(0.957, 0.965, 0.973, 1);
  }

  fillAtoms(positions, radii) {
    const [at, size, , toSaddle, toEnd] = this.atoms.buffers;
    at.fill(positions);
    size.fill(radii);
    toSaddle.fill(new Float32Array(positions.length));
    toEnd.fill(new Float32Array(positions.length));
    this.atoms.count = radii.length;
  }

  fillPath(toSaddle, toEnd) {
    this.atoms.buffers[3].fill(toSaddle);
    this.atoms.buffers[4].fill(toEnd);
  }

  fillColors(colors) {
    this.atoms.buffers[2].fill(colors);
  }

  fillRibbons({ starts, alongs, radii, colors }) {
    const [start, along, radius, color] = this.ribbons.buffers;
    start.fill(new Float32Array(starts));
    along.fill(new Float32Array(alongs));
    radius.fill(new Float32Array(radii));
    color.fill(new Uint8Array(colors));
    this.ribbons.count = radii.length / 2;
  }

  draw(camera, { size, path, slice, width, height }) {
    const { gl } = this;
    gl.viewport(0, 0, gl.drawingBufferWidth, gl.drawingBufferHeight);
    gl.clear(gl.COLOR_BUFFER_BIT | gl.DEPTH_BUFFER_BIT);
    const scale = camera.scale(width, height);
    for (const shape of [this.atoms, this.ribbons]) {
      if (shape.count === 0) continue;
      const { uniforms } = shape;
      gl.useProgram(shape.program);
      gl.bindVertexArray(shape.array);
      // Columns first: the rows of the rotation, transposed.
      gl.uniformMatrix3fv(uniforms.rotation, false, [0, 1, 2].flatMap((k) => camera.rotation.map((row) => row[k])));
      gl.uniform3fv(uniforms.middle, camera.middle);
      gl.uniform2f(uniforms.scale, 2 * scale / width, 2 * scale / height);
      gl.uniform2f(uniforms.pan, 2 * camera.pan[0] / width, 2 * camera.pan[1] / height);
      gl.uniform1f(uniforms.reach, camera.reach);
      gl.uniform3fv(uniforms.slice_normal, slice.normal);
      gl.uniform2fv(uniforms.slice_range, slice.range);
      if (shape === this.atoms) {
        gl.uniform1f(uniforms.size, size);
        gl.uniform2fv(uniforms.path, path);
      } else {
        gl.uniform1f(uniforms.pixel, 1 / scale);
      }
      gl.drawArraysInstanced(gl.TRIANGLE_STRIP, 0, 4, shape.count);
    }
  }
}
