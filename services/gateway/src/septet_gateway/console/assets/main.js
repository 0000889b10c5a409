// Starts the console.
document.querySelector("#console").setAttribute("role", "main");
