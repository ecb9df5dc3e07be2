// Shows the first restaurant's name: there is no more to the board yet.
fetch("/api/restaurants")
  .then((answer) => answer.json())
  .then(([first]) => {
    if (first) document.querySelector("h1").textContent = first.name;
  });
