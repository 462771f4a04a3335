// No module: browsers load none from file://, and this must run there.
'use strict';
if (location.protocol === 'file:') {
  const alert = document.getElementById('alert');
  alert.textContent = 'Browsers do not let a page from a file load its network. ' +
    'Serve this folder and open it from there, for instance: ' +
    'python3 -m http.server --directory build/web-demo 8000, ' +
    'then http://localhost:8000/.';
  alert.hidden = false;
}
