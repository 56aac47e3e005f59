// Makes a photo small before it travels over a village line: at most 1600 pixels a side, JPEG.
//
// The canvas also turns an iPhone's HEIC into JPEG and drops the place where it was taken. Where any step is missing, the
// file goes as it is and the server decides.

const MOST_PIXELS = 1600;

export function shrink(file) {
  return new Promise((resolve) => {
    const picture = new Image(), url = URL.createObjectURL(file);
    const give = (blob) => { URL.revokeObjectURL(url); resolve(blob || file); };
    picture.onerror = () => give(null);
    picture.onload = () => {
      const scale = Math.min(1, MOST_PIXELS / Math.max(picture.naturalWidth, picture.naturalHeight));
      const canvas = document.createElement('canvas');
      canvas.width = Math.round(picture.naturalWidth * scale);
      canvas.height = Math.round(picture.naturalHeight * scale);
      canvas.getContext('2d').drawImage(picture, 0, 0, canvas.width, canvas.height);
      if (canvas.toBlob) canvas.toBlob(give, 'image/jpeg', 0.85); else give(null);
    };
    picture.src = url;
  });
}
